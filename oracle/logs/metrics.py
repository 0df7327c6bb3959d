"""Which of the metrics that a tool logged is the score of a sample."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from budget.errors import DataError
from oracle.logs.rows import NotOffered
from oracle.logs.values import score_of


class Picked(NamedTuple):
    """One score a row.

    Attributes:
        name: of the metric; several with "/" where each row has its own; "" if there is none.
        scores: NaN where a row has none.
    """

    name: str
    scores: list[float]


def pick_metric(
    rows: Sequence[Mapping[str, Any]],
    wanted: str | None,
    path: Path,
    lower_is_better: Collection[str] = (),
) -> Picked:
    """Return the score of every row.

    A metric counts if it is a number, or an object with a number ``score``. Metrics that agree in
    every row (lmms-eval logs POPE's five times) are one; of others the only one that all rows have
    is taken.

    Args:
        rows: metrics of each row by name, as logged.
        wanted: the name of the metric, where the user gave one.
        path: file they come from, for errors.
        lower_is_better: metrics that are errors, not scores.

    Raises:
        DataError: if several metrics differ and none is wanted.
        NotOffered: if ``wanted`` is not there.
    """
    tables = [_numbers(row, lower_is_better) for row in rows]
    names = sorted({name for table in tables for name in table})
    everywhere = [name for name in names if all(name in table for table in tables)]
    if wanted is not None:
        if wanted not in names:
            legal = f"legal are {', '.join(names)}" if names else "it has none that is a number"
            raise NotOffered(f"{path} has no metric {wanted!r}; {legal}", "metric")
        return Picked(wanted, [table.get(wanted, math.nan) for table in tables])
    if not names:
        return Picked("", [math.nan] * len(tables))
    if all(len(_known(table)) <= 1 for table in tables):
        scores = [next(iter(_known(table)), math.nan) for table in tables]
        return Picked(everywhere[0] if everywhere else "/".join(names), scores)
    if len(everywhere) != 1:
        legal = ", ".join(everywhere or names)
        raise DataError(f"{path} has metrics that differ; choose one with --metric: {legal}")
    return Picked(everywhere[0], [table[everywhere[0]] for table in tables])


def describe(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what there is in the place of a score, for an error."""
    names = dict.fromkeys(name for row in rows for name in row)
    return f"metrics without a number: {', '.join(names)}" if names else "no metrics"


def _numbers(row: Mapping[str, Any], lower_is_better: Collection[str]) -> dict[str, float]:
    found = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            number = score_of(value["score"]) if "score" in value else None
        else:
            number = score_of(value)
        if number is not None and name not in lower_is_better:
            found[name] = number
    return found


def _known(table: Mapping[str, float]) -> set[float]:
    return {value for value in table.values() if not math.isnan(value)}
