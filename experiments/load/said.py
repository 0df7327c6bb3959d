"""What a server said: one JSON object, or a stream of events, read into the same form."""

import json
from typing import Any, NamedTuple

from experiments.load.call import Outcome


class Said(NamedTuple):
    """An answer as the client received it.

    Attributes:
        text: the whole answer.
        finish_reason: why it ended.
        image_tokens: visual tokens of all images, ``None`` where nothing tells.
        prompt_tokens: ``None`` where nothing tells.
    """

    text: str
    finish_reason: str
    image_tokens: int | None
    prompt_tokens: int | None


def read_answer(outcome: Outcome) -> Said:
    """Read an answer of either form.

    Raises:
        ValueError: if it has not OpenAI's form, with what is wrong.
    """
    try:
        if (outcome.header("content-type") or "").startswith("text/event-stream"):
            parts, last = _read_events(outcome.body)
        else:
            last = json.loads(outcome.body)
            parts = [(last["choices"][0], "message")]
        text = "".join(choice[field].get("content") or "" for choice, field in parts)
        reasons = [choice["finish_reason"] for choice, _ in parts if choice.get("finish_reason")]
        if len(reasons) != 1:
            raise ValueError(f"one finish_reason is needed, got {reasons}")
        usage = last.get("usage") or {}
        places = {
            "header": outcome.header("x-visual-tokens"),
            "usage": usage.get("prompt_tokens_details", {}).get("image_tokens"),
            "budget": (last.get("budget") or {}).get("num_visual_tokens"),
        }
        told = {place: int(number) for place, number in places.items() if number is not None}
    except (KeyError, IndexError, TypeError, AttributeError, UnicodeDecodeError) as problem:
        start = outcome.body[:200]
        raise ValueError(f"not an answer ({problem!r}): {start!r}") from None
    if len(set(told.values())) > 1:
        raise ValueError(f"one number of visual tokens is needed, got {told}")
    return Said(text, reasons[0], next(iter(told.values()), None), usage.get("prompt_tokens"))


def read_error(body: bytes) -> str:
    """Return the message of an error in OpenAI's form.

    Raises:
        ValueError: if it has another form.
    """
    try:
        error = json.loads(body)["error"]
        fields = {"message", "type", "param", "code"}
        if not fields <= set(error) or not isinstance(error["message"], str):
            raise ValueError(f"an error needs {sorted(fields)}, got {sorted(error)}")
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"not an error in OpenAI's form: {body[:200]!r}") from None
    return str(error["message"])


def _read_events(body: bytes) -> tuple[list[tuple[Any, str]], Any]:
    """Return the choices of all chunks, and what the chunks tell besides."""
    lines = [line for line in body.decode().splitlines() if line.startswith("data:")]
    data = [line.removeprefix("data:").strip() for line in lines]
    if not data or data[-1] != "[DONE]":
        raise ValueError(f"a stream must end with [DONE], got {body[-200:]!r}")
    chunks = [json.loads(each) for each in data[:-1]]
    if failed := [chunk["error"] for chunk in chunks if "error" in chunk]:
        raise ValueError(f"an error came in the stream: {failed[0]}")
    choices = [(choice, "delta") for chunk in chunks for choice in chunk["choices"]]
    told = {key: value for chunk in chunks for key, value in chunk.items() if value is not None}
    return choices, told
