"""A stopping rule learnt on a calibration split, and what its prices lead to there."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.calibration import ALLOWED_DROPS, CalibrationTable
from policies.hull import FloatArray, Frontier
from policies.paid import Paid, pay
from policies.stopping import StoppingRule, fit_stopping_rule
from policies.tried_rungs import Spending
from policies.walks import Walks

# Where rules are read off: from a price that nothing is worth to one of 0.
WALK_PRICES: FloatArray = np.array([1e6, *np.geomspace(120.0, 0.002, 120), 0.0])


class Calibrated(NamedTuple):
    """A stopping rule and what its prices come to.

    Attributes:
        rule: learnt on all samples.
        prices: by the name of the drop that each allows.
        table: what prices lead to.
    """

    rule: StoppingRule
    prices: Mapping[str, float]
    table: CalibrationTable


def calibrate_walks(
    walks: Walks, scores: FloatArray, tokens: FloatArray, spending: Spending, *, seed: int = 0
) -> Calibrated:
    """Learn a stopping rule and what its prices lead to.

    Prices are read off rules that were learnt on the other half of the samples, so what they
    promise is not what was learnt by heart.

    Args:
        walks: samples that no predictor was fitted on.
        scores: their real scores, shape [n, k].
        tokens: visual tokens of every rung, shape [k] or [n, k].
        spending: what tries cost and which may follow.
        seed: of the halves.
    """
    tokens = np.broadcast_to(tokens, scores.shape)
    halves = np.random.default_rng(seed).permutation(len(scores)) % 2
    parts = [_held_out(walks, scores, tokens, spending, halves == half) for half in (0, 1)]
    order = np.argsort(np.concatenate([np.flatnonzero(halves == half) for half in (0, 1)]))
    paid = Paid(
        WALK_PRICES,
        np.hstack([part.costs for part in parts])[:, order],
        np.hstack([part.scores for part in parts])[:, order],
    )
    frontier, full = paid.frontier(), float(scores[:, -1].mean())
    return Calibrated(
        fit_stopping_rule(walks.expected, scores, spending),
        {name: _first_price(frontier, full - drop) for name, drop in ALLOWED_DROPS.items()},
        CalibrationTable(frontier.prices, frontier.costs, frontier.scores),
    )


def _held_out(
    walks: Walks,
    scores: FloatArray,
    tokens: FloatArray,
    spending: Spending,
    rows: NDArray[np.bool_],
) -> Paid:
    """Return what some samples pay by a rule that was learnt on the others."""
    rule = fit_stopping_rule(lambda tried: walks.expected(tried)[~rows], scores[~rows], spending)
    visited = [walks.take(rule, price)[rows] for price in WALK_PRICES]
    return pay(visited, WALK_PRICES, tokens[rows], scores[rows], kept_cache=spending.kept_cache)


def _first_price(frontier: Frontier, score: float) -> float:
    """Return the largest price that reaches a score; 0.0 if none does."""
    reached = np.flatnonzero(frontier.scores >= score - 1e-12)
    return float(frontier.prices[reached[0]]) if reached.size else 0.0
