"""From the bytes of a body to a checked request; what is wrong is said in one line."""

from collections.abc import Sequence
from itertools import islice
from reprlib import Repr
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from budget.serving.errors import RequestError
from budget.serving.schema import ChatRequest

MAX_MARKS = 200_000  # commas and brackets of a body; what parsing costs hangs on them
_SHOWN = 64  # characters of a wrong value that an error repeats
_UNSUPPORTED = {
    "n": "one choice is given",
    "logprobs": "log-probabilities are not given",
    "top_logprobs": "log-probabilities are not given",
    "tools": "tools are not supported",
    "tool_choice": "tools are not supported",
    "tool_calls": "tools are not supported",
    "functions": "functions are not supported",
    "function_call": "functions are not supported",
    "response_format": "answers are plain text",
    "modalities": "answers are plain text",
    "audio": "answers are plain text",
    "logit_bias": "a bias of tokens is not supported",
    "presence_penalty": "penalties are not supported",
    "frequency_penalty": "penalties are not supported",
    "web_search_options": "searching the web is not supported",
}


def parse_request(body: bytes) -> ChatRequest:
    """Return the request that a body holds.

    Nesting is limited to 200 levels, and how many values there are by ``MAX_MARKS``; NaN and
    infinity are no numbers.

    Raises:
        RequestError: if it is no JSON, or no request that is served; with the field it is about.
    """
    if (marks := sum(body.count(mark) for mark in (b",", b"[", b"{"))) > MAX_MARKS:
        raise RequestError(
            f"the body has {marks:,} commas and brackets, at most {MAX_MARKS:,} are read",
            code="too_many_values",
        )
    try:
        given = from_json(body, allow_inf_nan=False)
    except ValueError as problem:
        raise RequestError(f"the body is not valid JSON: {problem}", code="invalid_json") from None
    if not isinstance(given, dict):
        raise RequestError(
            f"the body must be a JSON object, got {_shown(given)}", code="invalid_type"
        )
    try:
        return ChatRequest.model_validate(given)
    except ValidationError as problem:
        raise _refusal(problem.errors(include_url=False), given) from None


def _refusal(problems: Sequence[ErrorDetails], given: dict[str, Any]) -> RequestError:
    """Return the error about the deepest place in the body; of a union each branch has a say."""
    paths = [_path(problem, given) for problem in problems]
    path = max(paths, key=len)
    told = [problem for problem, own in zip(problems, paths, strict=True) if own == path]
    param, first = _written(path), told[0]
    if first["type"] in ("missing", "union_tag_not_found"):
        return RequestError(
            f"{param}: this field is needed", param=param, code="missing_required_parameter"
        )
    got = f"got {_shown(_value(first))}"
    if why := _UNSUPPORTED.get(str(path[-1] if path[-1] == "tool_calls" else path[0])):
        return RequestError(f"{param}: {why}; {got}", param=param, code="unsupported_value")
    rules = " or ".join(dict.fromkeys(_rule(problem) for problem in told))
    return RequestError(f"{param}: {rules}, {got}", param=param, code="invalid_value")


def _path(problem: ErrorDetails, given: Any) -> tuple[str | int, ...]:
    """Return where in the body an error is, without the names of a union's branches."""
    path: list[str | int] = []
    for step in problem["loc"]:
        listed = isinstance(given, list) and isinstance(step, int) and step < len(given)
        if listed or (isinstance(given, dict) and step in given):
            given = given[step]
            path.append(step)
    if problem["type"] == "missing":
        path.append(problem["loc"][-1])
    elif problem["type"].startswith("union_tag"):
        path.append(str(problem["ctx"]["discriminator"]).strip("'"))
    return tuple(path)


def _written(path: Sequence[str | int]) -> str:
    """Return a path as OpenAI writes it.

    Example:
        >>> _written(("messages", 0, "content"))
        'messages[0].content'
    """
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(words).lstrip(".")


def _rule(problem: ErrorDetails) -> str:
    if problem["type"] == "union_tag_invalid":
        return f"input should be one of {problem['ctx']['expected_tags']}"
    text = problem["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _value(problem: ErrorDetails) -> Any:
    return problem["ctx"]["tag"] if problem["type"] == "union_tag_invalid" else problem["input"]


def _shown(value: Any) -> str:
    """Return a value in at most so many characters, however large it is."""
    short = Repr()
    short.maxstring = short.maxother = _SHOWN
    if isinstance(value, dict):  # or all of its keys would be sorted
        value = dict(islice(value.items(), short.maxdict))
    return " ".join(short.repr(value).split())
