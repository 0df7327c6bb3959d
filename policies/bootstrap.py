"""Confidence intervals by resampling samples with replacement, paired across everything measured.

A resample is a vector of counts: how often each sample was drawn. Statistics that take the same
counts are resampled together, so differences between policies are paired.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.allocation import IntArray
from policies.hull import FloatArray


class Interval(NamedTuple):
    """A percentile interval, in the unit of the statistic."""

    low: float
    high: float


def resample_counts(num_samples: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return how often each sample is drawn in each resample, shape [resamples, num_samples]."""
    counts = np.empty((resamples, num_samples))
    for row in counts:
        drawn = rng.integers(num_samples, size=num_samples)
        row[:] = np.bincount(drawn, minlength=num_samples)
    return counts


def mean_interval(
    values: FloatArray, rng: np.random.Generator, *, resamples: int = 1000, level: float = 0.95
) -> Interval:
    """Return the interval of a mean over samples.

    Args:
        values: one number per sample, shape [n]; for a paired difference, the differences.
        rng: where the draws come from.
        resamples: how many times the samples are drawn anew.
        level: share of resamples inside the interval, in (0, 1).
    """
    values = np.asarray(values, dtype=np.float64)
    check_sizes(len(values), resamples, level)
    means = resample_counts(len(values), resamples, rng) @ values / len(values)
    return percentiles(means, level)


def interval(
    statistic: Callable[[FloatArray], float],
    num_samples: int,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Return the interval of any statistic of weighted samples.

    Args:
        statistic: maps counts per sample, shape [n], to a number; NaN results are left out.
        num_samples: n.
        rng: where the draws come from.
        resamples: how many times the samples are drawn anew.
        level: share of resamples inside the interval, in (0, 1).
    """
    check_sizes(num_samples, resamples, level)
    counts = resample_counts(num_samples, resamples, rng)
    return percentiles(np.array([statistic(row) for row in counts]), level)


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


def check_sizes(num_samples: int, resamples: int, level: float) -> None:
    """Refuse an empty sample, no resamples, or a level outside (0, 1)."""
    if num_samples < 1 or resamples < 1 or not 0 < level < 1:
        raise ValueError(
            "a bootstrap needs samples, resamples and a level in (0, 1), "
            f"got {num_samples}, {resamples} and {level}"
        )


def percentiles(values: FloatArray, level: float) -> Interval:
    """Return the central percentile interval of resampled values, NaN if none is a number."""
    values = values[~np.isnan(values)]
    if not values.size:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
