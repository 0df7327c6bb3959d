"""The saturation point: the fewest visual tokens with which accuracy is as good as the best."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.bootstrap import FloatArray

_SLACK = 1e-12  # a mean that was computed as 0.9 - 1e-17 is within 0.1 of 1.0


class Saturation(NamedTuple):
    """Where a curve is flat, and how sure that is.

    Attributes:
        rung: the cheapest rung within the tolerance of the best.
        low: lower end of its 95 % interval, a rung.
        high: upper end, a rung.
        shares: share of resamples in which each rung was the one, shape [k].
        tolerance: what may be lost, in score units.
    """

    rung: int
    low: int
    high: int
    shares: FloatArray
    tolerance: float


def saturation_rungs(means: FloatArray, tolerance: float = 0.01) -> NDArray[np.int64]:
    """Return the cheapest rung whose mean score is within ``tolerance`` of the best rung's.

    The best is the best of all rungs, wherever it is: on a curve that falls, the first.

    Args:
        means: mean scores, cheapest rung first, shape [..., k].
        tolerance: score that may be lost, at least 0.

    Returns:
        Rungs with shape [...].

    Raises:
        ValueError: if ``tolerance`` is negative or not a number.

    Example:
        >>> saturation_rungs(np.array([[0.5, 0.895, 0.9], [0.9, 0.8, 0.7]]))
        array([1, 0])
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}")
    best = means.max(axis=-1, keepdims=True)
    # argmax of booleans is their first True, and the best rung itself is always one.
    rungs: NDArray[np.int64] = (means >= best - tolerance - _SLACK).argmax(axis=-1)
    return rungs


def saturation(means: FloatArray, resampled: FloatArray, tolerance: float = 0.01) -> Saturation:
    """Return the saturation point of a curve with its interval over rungs.

    Every resample looks for its own best rung, so that an interval is as wide as the choice of the
    best is uncertain. Where a curve crosses the tolerance between two rungs, both are in it.

    Args:
        means: mean scores of all samples, shape [k].
        resampled: mean scores of every resample, shape [resamples, k].
        tolerance: score that may be lost, at least 0.
    """
    rung = int(saturation_rungs(means, tolerance))
    found = saturation_rungs(resampled, tolerance)
    low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf").tolist()
    shares = np.bincount(found, minlength=len(means)) / len(found)
    return Saturation(rung, min(rung, int(low)), max(rung, int(high)), shares, tolerance)
