"""Single values of a log: texts, scores and reference answers, however they were written."""

import ast
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from budget.errors import DataError

_WORDS = {"true": 1.0, "false": 0.0, "": math.nan, "nan": math.nan, "none": math.nan}
_LONGEST_LIST = 1_000_000


def text_of(value: Any) -> str:
    """Return a value as text; what is missing is the empty text.

    Example:
        >>> text_of(None), text_of("red"), text_of(12), text_of(["a", 1])
        ('', 'red', '12', '["a", 1]')
    """
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)


def score_of(value: Any) -> float | None:
    """Return a score as a number: NaN for one that is missing, None for what is no score.

    Example:
        >>> score_of(True), score_of("1"), score_of("False"), score_of(None), score_of("red")
        (1.0, 1.0, 0.0, nan, None)
    """
    if value is None:
        return math.nan
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, str):
        return None
    word = value.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return float(word)
    except ValueError:
        return None


def share_of(score: float, max_score: float, where: str) -> float:
    """Return a score in [0, 1]; NaN stays NaN.

    Args:
        score: as logged.
        max_score: the score of a right answer.
        where: how an error names the row.

    Raises:
        DataError: if the score is not in [0, max_score].
    """
    if not math.isnan(score) and not 0 <= score <= max_score:
        raise DataError(
            f"{where}: a score must lie in [0, {max_score:g}], got {score:g}; say with "
            "--max-score what a right answer scores"
        )
    return score / max_score


def references_of(value: Any) -> tuple[str, ...]:
    """Return right answers: a list, a list written as text, or one text.

    Only what Python or JSON writes for a list of texts is read as one, so that an answer which
    merely begins with a bracket stays whole.

    Example:
        >>> references_of("['red', 'dark red']"), references_of("[1]"), references_of("A")
        (('red', 'dark red'), ('[1]',), ('A',))
    """
    if isinstance(value, list | tuple):
        return tuple(text_of(item) for item in value)
    text = text_of(value)
    listed = _listed(text) if text.startswith("[") and text.endswith("]") else None
    if listed is not None:
        return tuple(listed)
    return (text,) if text else ()


def most_likely(responses: Any) -> int | None:
    """Return which of several choices has the highest log-likelihood; None if these are none.

    Args:
        responses: a list of (log-likelihood, is greedy) pairs, numbers maybe written as texts.

    Example:
        >>> most_likely([["-2.5", "False"], ["-0.5", "True"]]), most_likely(["red"])
        (1, None)
    """
    if not isinstance(responses, list) or not responses:
        return None
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in responses):
        return None
    numbers = [score_of(likelihood) for likelihood, _ in responses]
    known = [-math.inf if n is None or math.isnan(n) else n for n in numbers]
    return None if None in numbers else max(range(len(known)), key=known.__getitem__)


def field_of(record: Mapping[str, Any], name: str, where: str) -> str:
    """Return a field as text, from the record itself or an object in it.

    Raises:
        DataError: if there is no such field; the message lists those there are.
    """
    inner = [value for value in record.values() if isinstance(value, Mapping)]
    for fields in (record, *inner):
        if name in fields:
            return text_of(fields[name])
    names = ", ".join(dict.fromkeys(key for fields in (record, *inner) for key in fields))
    raise DataError(f"{where}: no field {name!r}; there are {names}")


def _listed(text: str) -> Sequence[str] | None:
    if len(text) > _LONGEST_LIST:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            continue
        # numpy writes ['a' 'b'], which Python would read as the one text 'ab'.
        if parse is json.loads or str(value) == text:
            return value
    return None
