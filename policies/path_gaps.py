"""How much of the oracle's gain rules close of which is known what each sample paid.

The metric is that of :mod:`policies.gaps`; here a rule may pay for more than one rung a sample.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from budget.stable import stable_scores
from policies.allocation import Sweep
from policies.bootstrap import Interval, percentiles, resample_counts
from policies.frontier import gap_closed_area, gap_closed_at
from policies.hull import FloatArray, Frontier, hull_of
from policies.rung_means import column_means


class Swept(Protocol):
    """A rule at every price: ``policies.allocation.Sweep`` or ``policies.paid.Paid``."""

    def frontier(self, weights: FloatArray | None = None) -> Frontier:
        """Return mean cost and mean score, each sample counted ``weights`` [n] times."""
        ...


class PathFigures(NamedTuple):
    """What one rule reaches.

    Attributes:
        stable: share of the stable oracle's area over the hull of the fixed scales.
        stable_interval: of ``stable``, over resampled samples.
        any_correct: the same for the any-correct oracle.
        any_interval: of ``any_correct``.
        at_budgets: share of the stable oracle's gain at each mean cost, shape [b].
        scores: mean score at each mean cost, shape [b].
        half_point_share: mean cost at which the full scale's score less 0.005 is reached, over the
            full scale's cost; read off these samples, NaN if never.
    """

    stable: float
    stable_interval: Interval
    any_correct: float
    any_interval: Interval
    at_budgets: FloatArray
    scores: FloatArray
    half_point_share: float


def path_figures(
    rules: Mapping[str, Swept],
    scores: FloatArray,
    costs: FloatArray,
    budgets: FloatArray,
    rng: np.random.Generator,
    *,
    resamples: int = 200,
    level: float = 0.95,
) -> dict[str, PathFigures]:
    """Return the figures of every rule, all on the same resampled samples.

    Args:
        rules: by name.
        scores: real scores, shape [n, k].
        costs: of one answer at every rung, shape [k] or [n, k].
        budgets: mean costs to look at, shape [b].
        rng: draws of the bootstrap.
        resamples: of the bootstrap.
        level: share of resamples inside an interval, in (0, 1).
    """
    costs = np.broadcast_to(np.asarray(costs, dtype=np.float64), np.shape(scores))
    oracles = [Sweep(truth, scores, costs) for truth in (stable_scores(scores), scores)]
    drawn = np.array(
        [
            _areas(rules, oracles, scores, costs, weights)
            for weights in resample_counts(len(scores), resamples, rng)
        ]
    )
    once = np.ones(len(scores))
    areas = _areas(rules, oracles, scores, costs, once)
    means = column_means(costs)
    hull, best = hull_of(means, scores.mean(axis=0)), oracles[0].frontier()
    found = {}
    for i, (name, rule) in enumerate(rules.items()):
        own = rule.frontier()
        near = own.cost_of(float(scores[:, -1].mean()) - 0.005)
        found[name] = PathFigures(
            float(areas[i, 0]),
            percentiles(drawn[:, i, 0], level),
            float(areas[i, 1]),
            percentiles(drawn[:, i, 1], level),
            np.array([gap_closed_at(float(b), own, best, hull) for b in budgets]),
            np.array([own.at(float(b)) for b in budgets]),
            near / float(means[-1]),
        )
    return found


def _areas(
    rules: Mapping[str, Swept],
    oracles: list[Sweep],
    scores: FloatArray,
    costs: FloatArray,
    weights: FloatArray,
) -> FloatArray:
    """Return the areas that each rule closes of each oracle's, shape [rules, oracles]."""
    means = column_means(costs, weights)
    hull = hull_of(means, weights @ scores / weights.sum())
    best = [oracle.frontier(weights) for oracle in oracles]
    own = [rule.frontier(weights) for rule in rules.values()]
    full = float(means[-1])
    return np.array([[gap_closed_area(rule, each, hull, full) for each in best] for rule in own])
