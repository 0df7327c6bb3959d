"""What ways up cost and reach, and their frontier."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray, Frontier


class Paid(NamedTuple):
    """What ways up cost and reach, sample by sample, at falling prices.

    Attributes:
        prices: falling, shape [p].
        costs: of all tries together, shape [p, n], in the unit of the given costs.
        scores: real score of the last answer, shape [p, n].
    """

    prices: FloatArray
    costs: FloatArray
    scores: FloatArray

    def frontier(self, weights: FloatArray | None = None) -> Frontier:
        """Return mean cost and mean score, cheapest first.

        A point that does not cost more than a dearer price's is left out: it is never chosen for
        its score.

        Args:
            weights: how often each sample counts, shape [n]; each once by default.
        """
        count = np.ones(self.costs.shape[1]) if weights is None else weights
        costs, scores = (table @ count / count.sum() for table in (self.costs, self.scores))
        before = np.maximum.accumulate(np.append(-np.inf, costs[:-1]))
        kept = costs > before * (1 + 1e-12) if len(costs) > 1 else np.array([True])
        kept[0] = True
        return Frontier(costs[kept], scores[kept], self.prices[kept])


def pay(
    visited: Sequence[NDArray[np.bool_]],
    prices: FloatArray,
    costs: FloatArray,
    scores: FloatArray,
    *,
    kept_cache: bool,
    again: FloatArray | float = 0.0,
) -> Paid:
    """Return what ways up cost.

    Args:
        visited: per price, which rungs each sample was answered at, shape [n, k].
        prices: falling.
        costs: of one answer at every rung, shape [k] or [n, k].
        scores: real scores, shape [n, k].
        kept_cache: only the last answer's cost is paid; else all of them.
        again: of a kept cache, what every answer but the first pays beside it, shape [n].
    """
    table, rows = np.broadcast_to(costs, scores.shape), np.arange(len(scores))
    last = [scores.shape[1] - 1 - np.argmax(each[:, ::-1], axis=1) for each in visited]
    paid = [
        table[rows, rung] + again * (each.sum(axis=1) - 1)
        if kept_cache
        else (table * each).sum(axis=1)
        for each, rung in zip(visited, last, strict=True)
    ]
    return Paid(prices, np.array(paid), np.array([scores[rows, rung] for rung in last]))
