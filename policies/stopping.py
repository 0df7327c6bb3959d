"""When to stop going up: optimal stopping at a price, learnt by backward induction.

What going on is worth is more than the expected score of the next rung: after it one may stop, or
go on again. So for every set of tries, the last ones first, the score less price times cost that
really came of going on (under the rule's own later choices) is regressed on the expected scores,
for a grid of prices (least-squares Monte Carlo, Longstaff and Schwartz, Review of Financial
Studies 14, 2001). Costs are shares of the full rung's, as in ``policies.allocation``.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from budget.escalation import STOP
from policies.allocation import IntArray
from policies.hull import FloatArray
from policies.tried_rungs import Spending, Tries

# From a price at which hardly a sample leaves the cheapest rung to one at which few stop early.
PRICES: FloatArray = np.geomspace(100.0, 0.002, 55)
_RIDGE = 1.0


class StoppingRule(NamedTuple):
    """What going on is worth over stopping, as a function of expected scores and the price.

    Attributes:
        spending: what tries cost and which may follow.
        prices: falling, above 0, shape [p].
        gains: for every set of tries that may be gone on from, per next rung and price the
            weights of :func:`terms`, shape [rungs, p, w].
    """

    spending: Spending
    prices: FloatArray
    gains: Mapping[Tries, FloatArray]

    def choose(self, expected: FloatArray, tried: Tries, price: float) -> IntArray:
        """Return the rung that each sample is answered at next, or STOP, shape [n].

        Args:
            expected: scores from the last tried rung up, shape [n, k - last]; all before the first.
            tried: rungs that these samples were answered at.
            price: score units per cost of the full rung, at least 0.
        """
        rungs = self.spending.next_rungs(tried)
        if tried not in self.gains:
            return np.full(len(expected), STOP, dtype=np.int64)
        steps = np.array([self.spending.step(tried, rung) for rung in rungs])
        weights = _between(self.gains[tried], self.prices, price)
        worth = terms(expected) @ weights.T - price * steps
        return _best(worth, rungs, may_stop=bool(tried))


def _best(worth: FloatArray, rungs: list[int], *, may_stop: bool) -> IntArray:
    """Return, along the last axis of ``worth``, the best rung, or STOP if none beats stopping."""
    best = np.array(rungs)[worth.argmax(axis=-1)]
    stops = may_stop & (worth.max(axis=-1) <= 0)
    chosen: IntArray = np.where(stops, STOP, best).astype(np.int64)
    return chosen


def terms(expected: FloatArray) -> FloatArray:
    """Return a one, the expected scores [n, m] and all products of two, [n, 1 + m + m(m+1)/2]."""
    first, second = np.triu_indices(expected.shape[1])
    ones = np.ones((len(expected), 1))
    return np.hstack([ones, expected, expected[:, first] * expected[:, second]])


def num_terms(num_scores: int) -> int:
    """Return the number of columns of :func:`terms`."""
    return 1 + num_scores + num_scores * (num_scores + 1) // 2


def _between(weights: FloatArray, prices: FloatArray, price: float) -> FloatArray:
    """Return weights [rungs, w] at a price, linear in its logarithm, constant beyond the ends."""
    place = np.interp(-np.log(max(price, 1e-300)), -np.log(prices), np.arange(len(prices)))
    low = int(place)
    high = min(low + 1, len(prices) - 1)
    mixed: FloatArray = weights[:, low] + (place - low) * (weights[:, high] - weights[:, low])
    return mixed


def fit_stopping_rule(
    expected: Callable[[Tries], FloatArray],
    y: FloatArray,
    spending: Spending,
    *,
    prices: FloatArray = PRICES,
) -> StoppingRule:
    """Learn what going on is worth.

    Args:
        expected: gives, for a set of tries, the scores that are expected from its last rung up, of
            samples that their predictor was not fitted on, shape [n, k - last].
        y: real scores of these samples, shape [n, k].
        spending: what tries cost and which may follow.
        prices: grid of prices, falling, above 0.
    """
    values: dict[Tries, FloatArray] = {}  # real score less price times later costs, [p, n]
    gains: dict[Tries, FloatArray] = {}
    for tried in spending.unfinished():
        rungs, table = spending.next_rungs(tried), expected(tried)
        here = table[:, 0] if tried else np.zeros(len(y))
        after = [
            values.get((*tried, rung), np.tile(y[:, rung], (len(prices), 1))) for rung in rungs
        ]
        gains[tried] = np.array([_regress(terms(table), value - here) for value in after])
        steps = np.array([spending.step(tried, rung) for rung in rungs])
        worth = np.einsum("nw,rpw->pnr", terms(table), gains[tried])
        worth -= prices[:, None, None] * steps
        chosen = _best(worth, rungs, may_stop=bool(tried))
        value: FloatArray = np.zeros(chosen.shape) + (y[:, tried[-1]] if tried else 0.0)
        for rung, step, later in zip(rungs, steps, after, strict=True):
            value = np.where(chosen == rung, later - prices[:, None] * step, value)
        values[tried] = value
    return StoppingRule(spending, np.asarray(prices, dtype=np.float64), gains)


def _regress(table: FloatArray, targets: FloatArray) -> FloatArray:
    """Return weights [p, w] of the ridge regression of targets [p, n] on a table [n, w]."""
    square = table.T @ table + _RIDGE * np.eye(table.shape[1])
    return np.asarray(np.linalg.solve(square, table.T @ targets.T).T, dtype=np.float64)
