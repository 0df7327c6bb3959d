"""Piecewise linear trade-offs between mean cost and mean score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


class Frontier(NamedTuple):
    """What a choice rule reaches, cheapest point first; linear between its points.

    A value between two points is reached by mixing them at random. Past the last point the
    frontier is flat: money that is not needed is not spent.

    Attributes:
        costs: mean cost per sample, increasing, shape [p], in the unit of the costs it was made of.
        scores: mean score at that cost, shape [p], in score units (usually [0, 1]).
        prices: a price that gives the point, shape [p], decreasing; NaN where no price applies.
    """

    costs: FloatArray
    scores: FloatArray
    prices: FloatArray

    def at(self, cost: float) -> float:
        """Return the score at a mean cost; NaN below the cheapest point."""
        if cost < self.costs[0] * (1 - 1e-9):
            return float("nan")
        return float(np.interp(cost, self.costs, self.scores))

    def at_each(self, costs: ArrayLike) -> FloatArray:
        """Return the score at each mean cost, flat below the cheapest point too."""
        return np.interp(np.asarray(costs, dtype=np.float64), self.costs, self.scores)

    def cost_of(self, score: float) -> float:
        """Return the least mean cost at which ``score`` is reached; NaN if it never is."""
        reached = np.flatnonzero(self.scores >= score - 1e-12)
        if reached.size == 0:
            return float("nan")
        i = int(reached[0])
        if i == 0:
            return float(self.costs[0])
        low, high = self.scores[i - 1], self.scores[i]
        share = min(1.0, (score - low) / (high - low))
        return float(self.costs[i - 1] + share * (self.costs[i] - self.costs[i - 1]))

    def after(self, cost: float, undecided: "Frontier") -> "Frontier":
        """Return the frontier of a rule whose every decision costs so much.

        Args:
            cost: of one decision, more than 0, in the unit of ``costs``.
            undecided: what is reached without deciding; its cheapest point comes first, and between
                it and the rule's own cheapest a part of the samples is decided about.
        """
        start = [column[:1] for column in undecided]
        own = (self.costs + cost, self.scores, self.prices)
        return Frontier(*(np.concatenate(pair) for pair in zip(start, own, strict=True)))

    def envelope(self) -> "Frontier":
        """Return the least concave, non-decreasing frontier above this one.

        On test data the envelope picks its points with hindsight; say so where it is reported.
        """
        kept = _upper_hull(self.costs, self.scores)
        return Frontier(self.costs[kept], self.scores[kept], self.prices[kept])


def fixed_hull(costs: FloatArray, scores: FloatArray) -> Frontier:
    """Return the best that mixing fixed scales reaches: their concave, non-decreasing upper hull.

    Args:
        costs: mean cost of every fixed scale, shape [k], increasing.
        scores: mean score of every fixed scale, shape [k].

    Returns:
        The hull's corners; a scale below the hull is not among them.

    Raises:
        ValueError: if the shapes differ or the costs do not increase.

    Example:
        >>> hull = fixed_hull(np.array([1.0, 4.0, 9.0]), np.array([0.5, 0.5, 0.9]))
        >>> hull.costs.tolist(), round(hull.at(5.0), 3)
        ([1.0, 9.0], 0.7)
    """
    costs, scores = np.asarray(costs, dtype=float), np.asarray(scores, dtype=float)
    if costs.ndim != 1 or costs.shape != scores.shape or costs.size == 0:
        raise ValueError(f"costs and scores must be [k], got {costs.shape} and {scores.shape}")
    if (np.diff(costs) <= 0).any():
        raise ValueError(f"costs of the fixed scales must increase, got {costs.tolist()}")
    return hull_of(costs, scores)


def hull_of(costs: FloatArray, scores: FloatArray) -> Frontier:
    """Return the concave, non-decreasing upper hull of points in any order of costs.

    The mean costs of options that differ per sample may change places from one resample of the
    samples to the next; those of a ladder (:func:`fixed_hull`) may not.

    Args:
        costs: shape [k], several may be the same.
        scores: shape [k].

    Example:
        >>> hull = hull_of(np.array([9.0, 1.0, 4.0, 1.0]), np.array([0.9, 0.5, 0.5, 0.4]))
        >>> hull.costs.tolist(), hull.scores.tolist()
        ([1.0, 9.0], [0.5, 0.9])
    """
    order = np.lexsort((-scores, costs))
    # Of options of one cost only the best can be on a hull.
    order = order[np.append(True, np.diff(costs[order]) > 0)]
    kept = order[_upper_hull(costs[order], scores[order])]
    return Frontier(costs[kept], scores[kept], np.full(len(kept), np.nan))


def _upper_hull(costs: FloatArray, scores: FloatArray) -> NDArray[np.int64]:
    """Return the indices of the concave hull's corners, from the cheapest to the best score.

    All points on or under the line between their neighbours leave at once, again and again: a run
    of such points is convex, so none of it is above the line between the run's own neighbours.
    """
    kept: NDArray[np.int64] = np.arange(int(np.argmax(scores)) + 1)
    # Costs stand still where no sample counts; twins would each be on the line to the other.
    kept = kept[np.append(True, np.diff(costs[kept]) > 0)]
    while len(kept) > 2:
        x, y = costs[kept], scores[kept]
        rise = (y[1:-1] - y[:-2]) * (x[2:] - x[:-2])
        above = rise > (y[2:] - y[:-2]) * (x[1:-1] - x[:-2])
        if above.all():
            break
        kept = kept[np.concatenate([[True], above, [True]])]
    return kept


def log_area(frontier: Frontier, low: float, high: float) -> float:
    """Return the exact integral of a frontier's score over the natural logarithm of the cost.

    Args:
        frontier: the frontier; flat past its last point and, for this integral, before its first.
        low: where the range starts, above 0, in cost units.
        high: where it ends, at least ``low``.

    Raises:
        ValueError: if the range is not ``0 < low <= high``.

    Example:
        >>> flat = Frontier(np.array([1.0]), np.array([0.5]), np.array([0.0]))
        >>> round(log_area(flat, 1.0, np.e), 6)
        0.5
    """
    if not 0 < low <= high:
        raise ValueError(f"an area needs 0 < low <= high, got {low} and {high}")
    return _integrate_over_log(*clipped(frontier, low, high))


def clipped(frontier: Frontier, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Return costs and scores of a frontier between two costs, both ends interpolated."""
    inner = slice(*np.searchsorted(frontier.costs, [low, high], side="right").tolist())
    ends = np.interp([low, high], frontier.costs, frontier.scores)
    knots = np.concatenate([[low], frontier.costs[inner], [high]])
    return knots, np.concatenate([ends[:1], frontier.scores[inner], ends[1:]])


def _integrate_over_log(knots: FloatArray, values: FloatArray) -> float:
    """Return the integral of a piecewise linear function of c over d ln c."""
    width, rise, left = knots[1:] - knots[:-1], values[1:] - values[:-1], knots[:-1]
    slope = rise / np.where(width > 0, width, 1.0)  # costs stand still where no sample counts
    return float(np.sum(rise + (values[:-1] - slope * left) * np.log1p(width / left)))
