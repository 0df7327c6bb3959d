"""Logs of several scales joined sample by sample; what does not join is listed, with why."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from oracle.logs.rows import Log, LogRow

Found = Mapping[str, Sequence[LogRow]]


class Unjoined(NamedTuple):
    """Why one sample does not join.

    Attributes:
        sample_id: the sample.
        reason: in a word or two, the same for all samples of a kind.
        scale: where the trouble is.
        path: the log of that scale.
        line: of the log; 0 where the sample is missing.
        detail: what exactly is wrong.
    """

    sample_id: str
    reason: str
    scale: int
    path: Path
    line: int
    detail: str = ""


class Joined(NamedTuple):
    """Samples that every log has once.

    Attributes:
        sample_ids: in the order of the smallest scale's log, length n.
        rows: one list of n rows for each scale, smallest first.
        unjoined: one entry for each trouble of each sample that is left out.
    """

    sample_ids: list[str]
    rows: list[list[LogRow]]
    unjoined: list[Unjoined]


def told_apart(logs: Sequence[Log]) -> list[Log]:
    """Return the logs with finer keys for the samples that share a key in one of them.

    Only a key that one log uses for several questions is refined, in all logs.
    """
    finer: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for number, log in enumerate(logs):
        for row in log.rows:
            finer[number, row.key].add(row.finer_key)
    shared = {key for (_, key), names in finer.items() if len(names) > 1}
    return [
        log._replace(
            rows=[row._replace(key=row.finer_key) if row.key in shared else row for row in log.rows]
        )
        for log in logs
    ]


def join(logs: Sequence[Log]) -> Joined:
    """Join logs on their keys.

    A sample joins if every log has it exactly once, with a score, and they agree on the question
    and on the right answer as far as they log them. Blanks do not count in that.

    Args:
        logs: one a scale, smallest first, all with a scale.
    """
    found = [_by_key(log) for log in logs]
    ids, rows, unjoined = [], [], []
    for key in dict.fromkeys(row.key for log in logs for row in log.rows):
        if troubles := list(_troubles(key, logs, found)):
            unjoined += troubles
        else:
            ids.append(key)
            rows.append([table[key][0] for table in found])
    per_scale = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in logs]
    return Joined(ids, per_scale, unjoined)


def reasons(unjoined: Sequence[Unjoined]) -> dict[str, list[Unjoined]]:
    """Return the first trouble of each sample by its reason, the most frequent reason first."""
    first = {entry.sample_id: entry for entry in reversed(unjoined)}
    counted = Counter(entry.reason for entry in first.values())
    return {
        reason: [entry for entry in first.values() if entry.reason == reason][::-1]
        for reason, _ in counted.most_common()
    }


def _by_key(log: Log) -> dict[str, list[LogRow]]:
    found: dict[str, list[LogRow]] = {}
    for row in log.rows:
        found.setdefault(row.key, []).append(row)
    return found


def _troubles(key: str, logs: Sequence[Log], found: Sequence[Found]) -> Iterator[Unjoined]:
    first: LogRow | None = None
    for log, table in zip(logs, found, strict=True):
        scale, rows = log.scale or 0, table.get(key, ())
        if not rows:
            yield Unjoined(key, "missing", scale, log.path, 0, f"not at scale {scale}")
            continue
        row = rows[0]
        if len(rows) > 1:
            lines = ", ".join(str(other.line) for other in rows)
            yield Unjoined(key, "duplicate", scale, log.path, row.line, f"in lines {lines}")
        elif trouble := _trouble_of(row):
            yield Unjoined(key, trouble, scale, log.path, row.line)
        elif first is None:
            first = row
        elif differs := _difference(first, row):
            detail = "another than at a smaller scale"
            yield Unjoined(key, f"{differs} differs", scale, log.path, row.line, detail)


def _trouble_of(row: LogRow) -> str:
    return row.trouble or ("no score" if math.isnan(row.score) else "")


def _difference(first: LogRow, row: LogRow) -> str:
    """Return what two rows of one key disagree on; "" if on nothing."""
    for name in ("question", "target"):
        if getattr(first, name).split() != getattr(row, name).split():
            return name
    return ""
