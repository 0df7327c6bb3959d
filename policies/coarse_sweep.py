"""A choice rule at every price, resampled fast: its frontier by at most a thousand points.

:class:`policies.allocation.Sweep` has a point for every change of any sample's choice, which for
100,000 samples are too many to be resampled a thousand times. Here changes at nearby prices are
taken together; between two points a frontier is linear, as everywhere.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from policies.allocation import cheapest_first, choice_path
from policies.hull import FloatArray, Frontier

MOST_POINTS = 1000


class CoarsePath:
    """The choices of a rule at every price, for any scores and costs to be counted along.

    Args:
        expected: what the rule believes, shape [n, k].
        by: what it believes that every rung costs, shape [k] or [n, k].
        most_points: points of a frontier, at most; with fewer changes it is exact.
    """

    def __init__(
        self, expected: FloatArray, by: FloatArray, *, most_points: int = MOST_POINTS
    ) -> None:
        self._path = choice_path(expected, by)
        starts = np.append(True, np.diff(self._path.price) < 0)[: len(self._path.price)]
        step = np.cumsum(starts) - 1  # samples that change at one price change together
        steps = int(step[-1]) + 1 if step.size else 0
        self._steps = min(steps, most_points - 1)
        self._home: NDArray[np.int64] = step * self._steps // max(steps, 1)

    def counted(self, values: FloatArray) -> "Counted":
        """Return values at the chosen rungs as the price falls; ``values`` has shape [n, k]."""
        path = self._path
        change = values[path.sample, path.stop] - values[path.sample, path.start]
        shape = (self._steps, len(path.first))
        changes = csr_array((change, (self._home, path.sample)), shape=shape)
        return Counted(values[np.arange(len(path.first)), path.first], changes)


class Counted:
    """One kind of value along a path, summed over weighted samples."""

    def __init__(self, first: FloatArray, changes: csr_array) -> None:
        self._first, self._changes = first, changes

    def means(self, weights: FloatArray) -> FloatArray:
        """Return the weighted mean at every point of the path, cheapest first."""
        first = weights @ self._first
        total = np.append(first, first + np.cumsum(self._changes @ weights))
        means: FloatArray = total / weights.sum()
        return means


class CoarseSweep:
    """A rule with its scores and what it pays, as :class:`policies.rules.Swept` has it.

    Args:
        path: what is chosen.
        scores: real scores, shape [n, k].
        paid: what is really paid, shape [n, k].
    """

    def __init__(self, path: CoarsePath, scores: FloatArray, paid: FloatArray) -> None:
        self._scores, self._paid = path.counted(scores), path.counted(paid)
        self._n = len(scores)

    def frontier(self, weights: FloatArray | None = None) -> Frontier:
        """Return mean real score against mean cost, samples counted by ``weights`` [n]."""
        count = np.ones(self._n) if weights is None else weights
        costs, scores = self._paid.means(count), self._scores.means(count)
        points = Frontier(costs, scores, np.full(len(costs), np.nan))
        return points if (np.diff(costs) >= 0).all() else cheapest_first(points)
