"""VLMEvalKit's tables, with predictions alone or scored, in xlsx, tsv, json or csv.

A prediction table is the dataset's own columns without the image, and ``prediction``; it has no
scores. Scored copies have ``hit`` (multiple choice), ``eval_score`` (short answers) or
``score`` (yes/no and judged tasks). A sample is identified by ``index``.
"""

import re
from itertools import takewhile
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from budget.errors import DataError
from oracle.logs.rows import UNKNOWN, Choices, Log, LogRow, place
from oracle.logs.tables import read_table
from oracle.logs.values import field_of, references_of, score_of, share_of, text_of

_SCORES = ("hit", "eval_score", "score")
_NEEDED = ("index", "prediction")


def read_vlmevalkit(path: Path, kind: str, choices: Choices) -> list[Log]:
    """Return the one log in a table.

    Args:
        path: the file.
        kind: "xlsx", "tsv", "json" or "csv".
        choices: the metric is the name of a column.

    Raises:
        DataError: if it is no such table, or a score is none; names the row.
    """
    table = read_table(path, kind)
    columns = list(dict.fromkeys(name for _, record in table for name in record))
    if missing := [name for name in _NEEDED if name not in columns]:
        raise DataError(f"{path} is no table of VLMEvalKit: it lacks {', '.join(missing)}")
    if choices.metric is not None and choices.metric not in columns:
        raise DataError(f"{path} has no column {choices.metric!r}; there are {', '.join(columns)}")
    metric = choices.metric or next((name for name in _SCORES if name in columns), "")
    group = choices.group or ("category" if "category" in columns else "")
    rows = [_row(path, line, record, metric, group, choices) for line, record in table]
    unscored = "" if metric else f"no column {', '.join(_SCORES)}"
    return [Log(path, rows, metric=metric, unscored=unscored)]


def _row(
    path: Path, line: int, record: dict[str, Any], metric: str, group: str, choices: Choices
) -> LogRow:
    where = place(path, line)
    key = _whole(text_of(record.get("index")))
    if not key:
        raise DataError(f"{where}: no index")
    score = score_of(record.get(metric)) if metric else UNKNOWN
    if score is None:
        raise DataError(f"{where}: {metric} must be a number, got {text_of(record[metric])!r}")
    right = record.get("answer", record.get("answers"))
    return LogRow(
        line=line,
        key=key,
        answer=text_of(record.get("prediction")),
        score=share_of(score, choices.max_score, where),
        references=references_of(right),
        question=text_of(record.get("question")),
        options=_options(record),
        target=text_of(right),
        group=field_of(record, group, where) if group else "",
    )


def _options(record: dict[str, Any]) -> tuple[str, ...]:
    """Return the texts of the columns A, B, C... up to the first that is empty or missing.

    Example:
        >>> _options({"A": "left", "B": "right", "C": None})
        ('left', 'right')
    """
    texts = (text_of(record.get(letter)) for letter in ascii_uppercase)
    return tuple(takewhile(bool, texts))


def _whole(index: str) -> str:
    """Return an index without the ``.0`` that pandas gives a column of numbers with a gap.

    Example:
        >>> _whole("12.0"), _whole("a.0")
        ('12', 'a.0')
    """
    return index[:-2] if re.fullmatch(r"\d+\.0", index) else index
