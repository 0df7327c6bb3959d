"""A small table of what more tokens buy, group by group."""

import math
from typing import NamedTuple

import numpy as np

from oracle.accounting import OracleAccount, account
from oracle.curves import Curves
from oracle.labels import Rule, Unsolved

_Z95 = 1.959963984540054
RULES: tuple[tuple[Rule, Unsolved], ...] = (
    ("first_correct", "cheapest"),
    ("first_correct", "full"),
    ("stable", "cheapest"),
    ("stable", "full"),
)


class Estimate(NamedTuple):
    """A mean score with its 95 % Wilson interval, all in [0, 1]."""

    mean: float
    low: float
    high: float


class GroupRow(NamedTuple):
    """One group of samples at every scale.

    Attributes:
        group: its name, ``"all"`` for all samples together.
        n: samples.
        accuracy: mean score per scale, cheapest first.
        oracles: accuracy and cost of the oracle by each rule of ``RULES``.
        falling: share of samples that a larger scale answers worse than a smaller one.
    """

    group: str
    n: int
    accuracy: tuple[Estimate, ...]
    oracles: tuple[OracleAccount, ...]
    falling: float


def wilson(mean: float, n: int, z: float = _Z95) -> Estimate:
    """Return the Wilson score interval of a share; too wide, never too narrow, for soft scores.

    Args:
        mean: share or mean score in [0, 1].
        n: samples it was taken over, at least 1.
        z: normal quantile; the default gives 95 %.

    Raises:
        ValueError: if ``mean`` or ``n`` is out of range.

    Example:
        >>> [round(x, 3) for x in wilson(0.5, 100)]
        [0.5, 0.404, 0.596]
    """
    if not 0 <= mean <= 1 or n < 1:
        raise ValueError(f"wilson needs a share in [0, 1] of at least 1 sample, got {mean}, {n}")
    centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(mean, max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))


def falling_rate(curves: Curves) -> float:
    """Return the share of samples whose score falls somewhere as the scale grows, in [0, 1]."""
    return float((np.diff(curves.scores, axis=1) < 0).any(axis=1).mean())


def summarise(curves: Curves) -> list[GroupRow]:
    """Return one row for all samples, then one per group in alphabetical order."""
    groups = np.unique(curves.groups).tolist()
    rows = [_row("all", curves)]
    if groups != ["all"]:
        rows += [_row(group, curves.select(curves.groups == group)) for group in groups]
    return rows


def _row(group: str, curves: Curves) -> GroupRow:
    n = len(curves)
    return GroupRow(
        group=group,
        n=n,
        accuracy=tuple(wilson(float(mean), n) for mean in curves.scores.mean(axis=0)),
        oracles=tuple(account(curves, rule, unsolved) for rule, unsolved in RULES),
        falling=falling_rate(curves),
    )
