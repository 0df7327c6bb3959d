"""The baseline that looks at confidence alone: rung by rung up until the model is sure enough."""

import numpy as np
from numpy.typing import NDArray

from policies.frontier import fixed_frontier
from policies.hull import FloatArray, log_area
from policies.paid import Paid, pay
from policies.rung_means import rung_means

_THRESHOLDS = 100


def cascade(
    confidence: FloatArray, scores: FloatArray, costs: FloatArray, start: int, *, kept_cache: bool
) -> Paid:
    """Return what going up from one rung costs and reaches, at every threshold.

    The first point is the cheapest rung for all, then all start at ``start`` and go to the next
    rung while the answer's confidence is under the threshold, which rises from point to point.

    Args:
        confidence: of every rung's answer, shape [n, k].
        scores: real scores, shape [n, k].
        costs: of one answer at every rung, shape [k] or [n, k].
        start: rung of the first answer.
        kept_cache: only the last answer's cost is paid; else all of them.
    """
    seen = confidence[:, start:-1]
    levels = np.quantile(seen, np.linspace(0, 1, _THRESHOLDS)) if seen.size else np.zeros(0)
    thresholds = np.append(levels, np.inf)
    cheapest = np.zeros(scores.shape, dtype=bool)
    cheapest[:, 0] = True
    visited = [cheapest, *(_climb(confidence, start, threshold) for threshold in thresholds)]
    unknown = np.full(len(visited), np.nan)  # a threshold is no price
    return pay(visited, unknown, costs, scores, kept_cache=kept_cache)


def _climb(confidence: FloatArray, start: int, threshold: float) -> NDArray[np.bool_]:
    visited = np.zeros(confidence.shape, dtype=bool)
    goes_on = np.ones(len(confidence), dtype=bool)
    for rung in range(start, confidence.shape[1]):
        visited[:, rung] = goes_on
        goes_on = goes_on & (confidence[:, rung] < threshold)
    return visited


def best_start(
    confidence: FloatArray, scores: FloatArray, costs: FloatArray, *, kept_cache: bool
) -> int:
    """Return the rung to start at whose frontier has the largest area on these samples.

    Args:
        confidence: of every rung's answer, shape [n, k].
        scores: real scores, shape [n, k].
        costs: of one answer at every rung, shape [k] or [n, k].
        kept_cache: as in :func:`cascade`.
    """
    means = rung_means(np.broadcast_to(costs, scores.shape))
    hull = fixed_frontier(scores, means)
    low, high = float(hull.costs[0]), float(means[-1])
    areas = [
        log_area(
            cascade(confidence, scores, costs, start, kept_cache=kept_cache).frontier(), low, high
        )
        for start in range(scores.shape[1])
    ]
    return int(np.argmax(areas))
