"""The long table of an evaluation: one row a rule and figure, with its interval."""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from budget.bootstrap import check_sizes, draws, percentiles
from policies.allocation import IntArray
from policies.equal_cost import Key, Weighted, along, figures
from policies.hull import FloatArray
from policies.rules import Contest

Progress = Callable[[int, int], object]
_FRONTIER_POINTS = 61


class Figure(NamedTuple):
    """A number with its paired bootstrap interval.

    Attributes:
        value: on the samples themselves; NaN where it means nothing, as an accuracy never reached.
        low: lower end of the interval, over the resamples in which it is a number.
        high: upper end.
        undefined: share of the resamples in which it is not a number, in [0, 1].
    """

    value: float
    low: float
    high: float
    undefined: float


class Table(NamedTuple):
    """What an evaluation found.

    Attributes:
        figures: every figure by rule, name and budget.
        frontiers: accuracy at mean tokens (``Key.budget``) along every frontier, on a grid that
            holds the ladder's scales.
        budgets: mean visual tokens at which rules are compared.
        num_samples: n.
    """

    figures: dict[Key, Figure]
    frontiers: dict[Key, Figure]
    budgets: tuple[float, ...]
    num_samples: int

    def get(self, rule: str, metric: str, budget: float | None = None) -> Figure:
        """Return a figure; one of NaN if it was not measured."""
        missing = Figure(float("nan"), float("nan"), float("nan"), 1.0)
        return self.figures.get(Key(rule, metric, budget), missing)


def measure(
    contest: Contest,
    budgets: Sequence[float],
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    rows: IntArray | None = None,
    progress: Progress = lambda done, total: None,
) -> Table:
    """Return every figure of every rule with its interval over resampled samples.

    Args:
        contest: what is compared.
        budgets: mean visual tokens at which rules are compared.
        rng: draws of the bootstrap.
        resamples: of the bootstrap.
        level: share of the resamples inside an interval, in (0, 1).
        rows: the samples that count, as those of a group; by default all.
        progress: told how many resamples of how many are done.

    Raises:
        ValueError: if a budget lies outside the ladder, or there are no samples.
    """
    tokens = contest.data.rung_tokens
    rows = np.arange(len(contest.data.scores)) if rows is None else rows
    check_sizes(len(rows), resamples, level)
    if not all(tokens[0] <= budget <= tokens[-1] for budget in budgets):
        raise ValueError(
            f"budgets must lie in {tokens[0]:g}..{tokens[-1]:g} mean tokens, got {list(budgets)}"
        )
    grid = np.unique([*np.geomspace(tokens[0], tokens[-1], _FRONTIER_POINTS), *tokens])

    def weighted(counts: FloatArray) -> Weighted:
        weights = np.zeros(len(contest.data.scores))
        weights[rows] = counts
        return Weighted(contest, weights)

    own = weighted(np.ones(len(rows)))
    names = list(figures(own, budgets))
    points = [Key(name, "accuracy", float(m)) for name in own.all() for m in grid]
    drawn = np.empty((resamples + 1, len(names) + len(points)))
    for i, seen in enumerate(chain([own], map(weighted, draws(len(rows), resamples, rng)))):
        drawn[i] = [*figures(seen, budgets).values(), *along(seen, grid)]
        progress(i, resamples)
    split = len(names)
    return Table(
        _with_intervals(names, drawn[:, :split], level),
        _with_intervals(points, drawn[:, split:], level),
        tuple(float(b) for b in budgets),
        len(rows),
    )


def _with_intervals(keys: Sequence[Key], drawn: FloatArray, level: float) -> dict[Key, Figure]:
    """Return figures by key; ``drawn`` has a column a figure, its first row the samples' own."""
    undefined = np.isnan(drawn[1:]).mean(axis=0).tolist()
    return {
        key: Figure(float(column[0]), *percentiles(column[1:], level), lacking)
        for key, column, lacking in zip(keys, drawn.T, undefined, strict=True)
    }


COLUMNS = ("rule", "metric", "budget", "value", "low", "high", "undefined")


def as_rows(found: Mapping[Key, Figure]) -> list[tuple[object, ...]]:
    """Return figures as rows of ``COLUMNS``; the budget of a range is no text."""
    return [
        (key.rule, key.metric, "" if key.budget is None else key.budget, *figure)
        for key, figure in found.items()
    ]


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV; a number that is NaN is an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(["" if cell != cell else cell for cell in row] for row in rows)
