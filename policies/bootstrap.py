"""Intervals of what a policy chooses, by the bootstrap of ``budget.bootstrap``."""

import numpy as np
from numpy.typing import NDArray

from budget.bootstrap import Interval, interval, mean_interval, percentiles, resample_counts
from policies.allocation import IntArray
from policies.hull import FloatArray

__all__ = [
    "Interval",
    "choice_interval",
    "interval",
    "mean_interval",
    "percentiles",
    "resample_counts",
]


def choice_interval(
    rungs: IntArray,
    scores: FloatArray,
    costs: FloatArray,
    rng: np.random.Generator,
    *,
    price: float = 0.0,
    baseline: NDArray[np.int64] | None = None,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Return the interval of the mean score, less price times cost, of given choices.

    Args:
        rungs: chosen rung of each sample, shape [n].
        scores: real scores, shape [n, k].
        costs: cost of every rung, shape [k] or [n, k].
        rng: where the draws come from.
        price: score units per unit of ``costs``; 0 looks at scores alone.
        baseline: other choices to subtract, sample by sample, shape [n].
        resamples: how many times the samples are drawn anew.
        level: share of resamples inside the interval, in (0, 1).
    """
    rows = np.arange(len(scores))
    value = np.asarray(scores) - price * np.broadcast_to(costs, np.shape(scores))
    picked = value[rows, rungs]
    if baseline is not None:
        picked = picked - value[rows, baseline]
    return mean_interval(picked, rng, resamples=resamples, level=level)
