"""From logs of other tools to curves: scales, scores, the join, and what stays unknown."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from oracle.curves import Curves
from oracle.joining import Joined
from oracle.logs.folders import read_run
from oracle.logs.rows import Choices, Log, LogRow, place
from oracle.options import options_of
from oracle.scoring import get_scorer, score_batch

if TYPE_CHECKING:
    from datasets import Dataset

# Bytes of a table of answers: each takes as much as the longest one.
_MAX_ANSWER_BYTES = 2**30
# Columns of a dataset that say more of a sample than a log does.
_TOLD = ("id", "answers", "group", "question", "options")


class Reference(NamedTuple):
    """What a dataset says of one sample: its right answers, its group and its options if any."""

    answers: tuple[str, ...]
    group: str
    options: tuple[str, ...] = ()


def open_logs(
    words: Sequence[str], name: str | None = None, choices: Choices | None = None
) -> tuple[str, list[Log]]:
    """Return the name of the logs' format and the logs, smallest scale first.

    Args:
        words: ``SCALE=PATH``, or ``PATH`` where the log says its scale itself.
        name: of the format; ``None`` to find it in the content.
        choices: what the user chose.

    Raises:
        DataError: if a log cannot be read, has no scale, or two have one scale, one path or
            different formats or metrics.
    """
    sources = [_source(word) for word in words]
    paths = [path.resolve() for _, path in sources]
    if again := [path for number, path in enumerate(paths) if path in paths[:number]]:
        raise DataError(f"{again[0]} is given twice; every scale needs its own log")
    logs: list[Log] = []
    formats: dict[str, Path] = {}
    for scale, path in sources:
        found, read = read_run(path, name, choices or Choices())
        formats.setdefault(found, path)
        logs += _with_scale(read, scale, path)
    if len(formats) > 1:
        listed = ", ".join(f"{path} is {found}" for found, path in formats.items())
        raise DataError(f"logs of several formats cannot be joined: {listed}")
    logs.sort(key=lambda log: log.scale or 0)
    _refuse_shared_scale(logs)
    _refuse_mixed_metrics(logs)
    return next(iter(formats)), logs


def _source(word: str) -> tuple[int | None, Path]:
    match = re.fullmatch(r"(\d+)=(.+)", word)
    if match is None:
        return None, Path(word)
    if not int(match[1]):
        raise DataError(f"a scale must be at least 1 token, got {word!r}")
    return int(match[1]), Path(match[2])


def _with_scale(logs: list[Log], given: int | None, path: Path) -> list[Log]:
    if given is None:
        if any(log.scale is None for log in logs):
            raise DataError(f"{path} does not say its scale; give it as SCALE={path}")
        return logs
    if len(logs) > 1:
        raise DataError(f"{path} holds {len(logs)} scales; give it without {given}=")
    said = logs[0].scale
    if said not in (None, given):
        raise DataError(f"{path} was run with {said} visual tokens, not with {given}")
    return [logs[0]._replace(scale=given)]


def _refuse_shared_scale(logs: Sequence[Log]) -> None:
    for one, other in pairwise(logs):
        if one.scale == other.scale:
            where = " and ".join(dict.fromkeys(str(log.path) for log in (one, other)))
            raise DataError(f"two logs have scale {one.scale}: {where}")


def _refuse_mixed_metrics(logs: Sequence[Log]) -> None:
    named = {log.metric: log.path for log in logs if "/" not in log.metric and log.metric}
    if len(named) > 1:
        listed = ", ".join(f"{metric} in {path}" for metric, path in named.items())
        raise DataError(f"the logs' metrics differ: {listed}; choose one with --metric")


def references(dataset: "Dataset") -> dict[str, Reference]:
    """Return right answers, group and options of every sample of a dataset, by id.

    Options are those of ``oracle.options``: a column, or lines of the question.

    Raises:
        DataError: if an id is there twice.
    """
    there = {name: dataset[name][:] for name in dataset.column_names if name in _TOLD}
    groups = there.get("group", [""] * len(dataset))
    asked = {"question": there.get("question", [""] * len(dataset))}
    options = options_of(asked | ({"options": there["options"]} if "options" in there else {}))
    rows = zip(there["id"], there["answers"], groups, options, strict=True)
    found = {name: Reference(tuple(right), group or "", own) for name, right, group, own in rows}
    if repeated := len(dataset) - len(found):
        raise DataError(f"ids of a dataset must be unique, {repeated} are repeated")
    return found


def with_data(log: Log, known: Mapping[str, Reference]) -> Log:
    """Return a log with a dataset's answers and groups; a row that is not in it says so."""
    rows = []
    for row in log.rows:
        if (right := known.get(row.key)) is None:
            rows.append(row._replace(trouble="not in the data"))
        else:
            rows.append(
                row._replace(
                    references=right.answers,
                    group=right.group or row.group,
                    options=right.options or row.options,
                )
            )
    return log._replace(rows=rows)


def scored(log: Log, scorer: str) -> Log:
    """Return a log whose answers were scored anew; a row without right answers says so.

    Raises:
        DataError: if an answer cannot be scored; names the line.
        ValueError: if the scorer is unknown.
    """
    score, rows = get_scorer(scorer), []
    for row in log.rows:
        if not row.references:
            rows.append(row._replace(trouble=row.trouble or "no right answer"))
            continue
        one: dict[str, Sequence[Any]] = {
            "answers": [row.references],
            "question": [row.question],
            "options": [row.options],
        }
        try:
            rows.append(row._replace(score=score_batch(score, [row.answer], one)[0]))
        except ValueError as problem:
            raise DataError(f"{place(log.path, row.line)}: {problem}") from problem
    return log._replace(rows=rows, metric=scorer)


def with_full_answers(logs: Sequence[Log]) -> list[Log]:
    """Return logs whose right answers are the largest scale's, as the scorer ``agreement`` wants.

    Args:
        logs: smallest scale first, with keys that tell samples apart.
    """
    full = {row.key: (row.answer,) for row in logs[-1].rows}
    return [
        log._replace(
            rows=[row._replace(references=full.get(row.key, ()), target="") for row in log.rows]
        )
        for log in logs
    ]


def refuse_unscored(logs: Sequence[Log]) -> None:
    """Refuse logs without scores.

    Raises:
        DataError: says what there is instead, and what would help.
    """
    for log in logs:
        if not log.metric:
            raise DataError(
                f"{log.path} has no scores ({log.unscored}); give --scorer, and --data with "
                "the right answers where the log has none"
            )


def curves_of(joined: Joined, scales: Sequence[int]) -> Curves:
    """Return the curves of joined samples.

    What a log does not say is NaN (confidence, FLOPs, seconds) or 0 (prompt tokens); visual tokens
    are then the scale's.

    Raises:
        DataError: if no sample joined, or the answers are too long to be kept.
    """
    if not joined.sample_ids:
        raise DataError(f"no sample joins; the first trouble: {_first_trouble(joined)}")
    _refuse_huge_answers(joined)

    def column(field: str) -> NDArray[Any]:
        return np.array([[getattr(row, field) for row in rows] for rows in joined.rows]).T

    tokens = column("num_visual_tokens")
    return Curves(
        sample_ids=np.array(joined.sample_ids, dtype=np.str_),
        groups=np.array([_group(rows) for rows in zip(*joined.rows, strict=True)], dtype=np.str_),
        scales=tuple(scales),
        scores=column("score"),
        answers=column("answer"),
        confidence=_known_or_nan(column("confidence")),
        flops=_known_or_nan(column("flops")),
        seconds=_known_or_nan(column("seconds")),
        num_visual_tokens=np.where(tokens > 0, tokens, np.array(scales)),
        prompt_tokens=column("prompt_tokens"),
        margin=column("margin"),
        entropy=column("entropy"),
    )


def shortened(log: Log, length: int) -> Log:
    """Return a log with answers cut to their first ``length`` characters."""
    return log._replace(rows=[row._replace(answer=row.answer[:length]) for row in log.rows])


def _group(rows: Sequence[LogRow]) -> str:
    return next((row.group for row in rows if row.group), "all")


def _known_or_nan(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values that are known everywhere, or NaN everywhere."""
    return values if np.isfinite(values).all() else np.full(values.shape, np.nan)


def _first_trouble(joined: Joined) -> str:
    entry = joined.unjoined[0]
    return f"{entry.sample_id!r}: {entry.reason} at scale {entry.scale} ({entry.path})"


def _refuse_huge_answers(joined: Joined) -> None:
    longest = max(len(row.answer) for rows in joined.rows for row in rows)
    size = 4 * longest * len(joined.sample_ids) * len(joined.rows)
    if size > _MAX_ANSWER_BYTES:
        raise DataError(
            f"the longest answer has {longest} characters, which makes the table of all answers "
            f"{size / 2**30:.1f} GB; cut them with --cut-answers"
        )
