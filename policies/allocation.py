"""Which rung each sample gets, once a score is expected of every rung.

The choice maximises ``score - price * cost``. Costs are first divided by the mean cost of the full
(last) rung, so a price says how much score the full scale must add to be worth its cost: at price
0.1 a sample is moved from a free rung to full only for 0.1 more expected score.

Costs [k] are those of a ladder, known before anything runs, and must rise. Costs [n, k] are each
sample's own, in any order: where rungs are different models, the cheap one may write the longer
answer. Who chooses by costs [k] and pays costs [n, k] says so with ``paid``.
"""

import numpy as np

from budget.choice_path import IntArray, Path, check_tables, choice_path, relative_costs
from policies.hull import FloatArray, Frontier

__all__ = [
    "IntArray",
    "Path",
    "Sweep",
    "cheapest_first",
    "check_tables",
    "choice_path",
    "choose_rungs",
    "price_for_accuracy",
    "relative_costs",
    "solve_price",
]


def choose_rungs(scores: FloatArray, costs: FloatArray, price: float) -> IntArray:
    """Return the rung that maximises ``score - price * cost``, ties to the cheapest.

    Args:
        scores: expected score of every rung, shape [n, k], cheapest rung first.
        costs: cost of every rung, in any unit: shape [k], rising with the rung, or [n, k].
        price: score units per cost of the full rung, at least 0.

    Returns:
        Rung indices with shape [n].

    Raises:
        ValueError: if the shapes do not fit, the costs do not rise, or the price is negative.

    Example:
        >>> scores = np.array([[0.5, 0.6, 0.9], [0.8, 0.8, 0.8]])
        >>> choose_rungs(scores, np.array([1.0, 4.0, 16.0]), price=0.1)
        array([2, 0])
    """
    if not (np.isfinite(price) and price >= 0):
        raise ValueError(f"price must be a number of at least 0, got {price}")
    scores, costs = check_tables(scores, costs)
    worth = scores - price * relative_costs(costs)
    is_best = worth == worth.max(axis=1, keepdims=True)
    rungs: IntArray = np.argmin(np.where(is_best, costs, np.inf), axis=1)
    return rungs


class Sweep:
    """A choice rule at every price at once: choose by expected scores, count real ones.

    Args:
        expected: what the rule believes, shape [n, k].
        scores: what really happens, shape [n, k]; only counted, never chosen by.
        costs: what the rule believes that every rung costs, shape [k] or [n, k].
        paid: what is really paid, shape [n, k]; only counted. By default ``costs``.

    Raises:
        ValueError: if the shapes do not fit or costs [k] do not rise.
    """

    def __init__(
        self,
        expected: FloatArray,
        scores: FloatArray,
        costs: FloatArray,
        *,
        paid: FloatArray | None = None,
    ) -> None:
        expected = np.asarray(expected, dtype=np.float64)
        scores, costs = check_tables(scores, costs)
        if expected.shape != scores.shape or not len(scores):
            raise ValueError(
                f"expected and real scores must be one table of at least one row, "
                f"got {expected.shape} and {scores.shape}"
            )
        path = choice_path(expected, costs)
        rows = np.arange(len(scores))
        paid = costs if paid is None else check_tables(scores, paid)[1]
        self._sample = path.sample
        self._score_step = scores[path.sample, path.stop] - scores[path.sample, path.start]
        self._cost_step = paid[path.sample, path.stop] - paid[path.sample, path.start]
        self._first_score, self._first_cost = scores[rows, path.first], paid[rows, path.first]
        # Samples that change at one price change together: only the last of them is a point.
        falls = np.append(np.diff(path.price) < 0, True)[: len(path.price)]
        self._last = np.flatnonzero(falls)
        self._prices = _prices_between(path.price[self._last])

    def frontier(self, weights: FloatArray | None = None) -> Frontier:
        """Return mean cost and mean real score at every price, cheapest point first.

        What is paid need not rise as the price falls, where it is not what the choice was made by;
        then the prices of the points are not in order.

        Args:
            weights: how often each sample counts, shape [n]; each once by default. A bootstrap
                resample is a vector of counts.
        """
        count = np.ones(len(self._first_cost)) if weights is None else weights
        total = count.sum()
        step = count[self._sample]
        costs = np.cumsum(step * self._cost_step)[self._last]
        scores = np.cumsum(step * self._score_step)[self._last]
        first_cost, first_score = count @ self._first_cost, count @ self._first_score
        points = Frontier(
            np.append(first_cost, first_cost + costs) / total,
            np.append(first_score, first_score + scores) / total,
            self._prices,
        )
        return points if (np.diff(points.costs) >= 0).all() else cheapest_first(points)


def cheapest_first(points: Frontier) -> Frontier:
    """Return a frontier through points in any order of costs; of those of one cost the best."""
    order = np.lexsort((-points.scores, points.costs))
    kept = order[np.append(True, np.diff(points.costs[order]) > 0)]
    return Frontier(points.costs[kept], points.scores[kept], points.prices[kept])


def _prices_between(breaks: FloatArray) -> FloatArray:
    """Return one price inside every interval that falling breakpoints leave, the last being 0."""
    if not breaks.size:
        return np.zeros(1)
    middle = (breaks[:-1] + breaks[1:]) / 2
    return np.concatenate([[2 * breaks[0]], middle, [0.0]])


def solve_price(
    scores: FloatArray, costs: FloatArray, mean_cost: float, *, paid: FloatArray | None = None
) -> float:
    """Return the smallest price whose choices cost at most ``mean_cost`` on average.

    Args:
        scores: expected score of every rung, shape [n, k].
        costs: cost of every rung, shape [k] or [n, k].
        mean_cost: what a sample may cost on average, in the unit of what is paid.
        paid: what is really paid, shape [n, k]; by default ``costs``. Where it may fall as the
            price does, of the prices within the mean that of the dearest choice counts.

    Returns:
        The price; 0.0 if even free choice stays within ``mean_cost``.

    Raises:
        ValueError: if not even the cheapest rung fits into ``mean_cost``.
    """
    frontier = Sweep(scores, scores, costs, paid=paid).frontier()
    within = np.flatnonzero(frontier.costs <= mean_cost * (1 + 1e-12))
    if within.size == 0:
        raise ValueError(
            f"mean cost must be at least that of the cheapest rung, {frontier.costs[0]:g}, "
            f"got {mean_cost:g}"
        )
    return float(frontier.prices[within[-1]])


def price_for_accuracy(
    expected: FloatArray, scores: FloatArray, costs: FloatArray, allowed_drop: float
) -> float:
    """Return the largest price that loses at most ``allowed_drop`` against the full rung.

    Args:
        expected: predicted score of every rung on a calibration split, shape [n, k].
        scores: real score of every rung on that split, shape [n, k].
        costs: cost of every rung, shape [k] or [n, k].
        allowed_drop: score units that may be lost against always the last rung; a negative number
            asks for a gain.

    Returns:
        The price, over all breakpoints; 0.0 if no price keeps the promise.
    """
    frontier = Sweep(expected, scores, costs).frontier()
    target = float(np.asarray(scores, dtype=np.float64)[:, -1].mean()) - allowed_drop
    return largest_price(frontier.prices, frontier.scores, target)


def largest_price(prices: FloatArray, scores: FloatArray, least: float) -> float:
    """Return the largest of falling prices whose mean score is at least ``least``, 0.0 if none is.

    Args:
        prices: falling, shape [r].
        scores: mean score at each price, shape [r].
        least: mean score that must be kept.
    """
    kept = np.flatnonzero(scores >= least - 1e-12)
    return float(prices[kept[0]]) if kept.size else 0.0
