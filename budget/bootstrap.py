"""Confidence intervals by resampling samples with replacement, paired across everything measured.

A resample is a vector of counts: how often each sample was drawn. Statistics that take the same
counts are resampled together, so differences between them are paired.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Interval(NamedTuple):
    """A percentile interval, in the unit of the statistic."""

    low: float
    high: float


def resample_counts(num_samples: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """Return how often each sample is drawn in each resample, shape [resamples, num_samples]."""
    counts = np.empty((resamples, num_samples))
    for row, drawn in zip(counts, draws(num_samples, resamples, rng), strict=True):
        row[:] = drawn
    return counts


def draws(num_samples: int, resamples: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Yield the counts of one resample at a time, shape [num_samples], so that few are held."""
    for _ in range(resamples):
        drawn = rng.integers(num_samples, size=num_samples)
        yield np.bincount(drawn, minlength=num_samples).astype(np.float64)


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
    return intervals(
        lambda counts: np.array([statistic(counts)]),
        num_samples,
        rng,
        resamples=resamples,
        level=level,
    )[0]


def intervals(
    statistics: Callable[[FloatArray], FloatArray],
    num_samples: int,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    level: float = 0.95,
) -> list[Interval]:
    """Return the intervals of several statistics of the same resamples.

    Args:
        statistics: maps counts per sample, shape [n], to one number per statistic; NaN results are
            left out.
        num_samples: n.
        rng: where the draws come from.
        resamples: how many times the samples are drawn anew.
        level: share of resamples inside the interval, in (0, 1).
    """
    check_sizes(num_samples, resamples, level)
    values = np.array([statistics(row) for row in draws(num_samples, resamples, rng)])
    return [percentiles(column, level) for column in values.T]


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
