"""Means of many columns under one bootstrap over samples, and honest intervals of them.

Columns that are resampled together stay paired, so any function of the resampled means has an
interval: differences, areas, the rung at which a curve is flat.
"""

import numpy as np

from budget.bootstrap import FloatArray, check_sizes, draws, percentiles
from oracle.comparison import Estimate
from oracle.report import wilson


def resampled_means(
    values: FloatArray, rng: np.random.Generator, *, resamples: int = 1000
) -> FloatArray:
    """Return the means of all columns in each resample of the samples.

    Args:
        values: one row a sample, shape [n, c].
        rng: where the draws come from.
        resamples: how many times the samples are drawn anew, with replacement.

    Returns:
        Means with shape [resamples, c].

    Raises:
        ValueError: if there are no samples or no resamples.
    """
    values = np.asarray(values, dtype=np.float64)
    check_sizes(len(values), resamples, 0.95)
    sums = [counts @ values for counts in draws(len(values), resamples, rng)]
    return np.stack(sums) / len(values)


def estimate(
    value: float, resampled: FloatArray, n: int, *, bounds: tuple[float, float] = (0.0, 1.0)
) -> Estimate:
    """Return a mean with its 95 % percentile interval.

    A bootstrap knows only what it has seen: of 30 samples that are all right it would say 100 to
    100 %. Where resamples do not differ, as many samples as Wilson's interval of a share of 0 in
    ``n`` allows may be at the one bound, or at the other.

    Args:
        value: the mean over all samples.
        resampled: the means of the resamples, shape [resamples].
        n: samples it was taken over.
        bounds: least and largest value that one sample can have.

    Example:
        >>> [round(each, 3) for each in estimate(1.0, np.ones(100), 30)]
        [1.0, 0.886, 1.0]
        >>> [round(each, 3) for each in estimate(0.0, np.zeros(100), 30, bounds=(-1.0, 1.0))]
        [0.0, -0.114, 0.114]
    """
    low, high = percentiles(resampled, 0.95)
    if high - low < 1e-12:
        unseen = wilson(0.0, n).high
        low, high = (value + unseen * (bound - value) for bound in bounds)
    # The percentiles of a statistic that is biased, a maximum say, can leave it outside.
    low, high = min(low, value), max(high, value)
    return Estimate(float(value), max(bounds[0], float(low)), min(bounds[1], float(high)))


def with_unseen(drawn: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    """Return resampled curves with what so few samples may have missed, for differences of rungs.

    Of 30 samples none may change between two scales although 5 % do, and a bootstrap would call
    two such scales the same for certain. So each resample draws, besides its samples, about one
    that only the larger scales get right and one that only the smaller do, the place of the step
    being any; what such samples add is nothing on average and no more than a few in ``n``. For two
    rungs this is near the added counts of Agresti and Min 2005 for paired shares.

    Args:
        drawn: resampled mean scores of all rungs, shape [resamples, k].
        n: samples behind each.
        rng: where the steps come from.

    Returns:
        The same shape; the first rung as it was, so that levels keep their spread.
    """
    steps = drawn.shape[1] - 1
    if not steps:
        return drawn
    up, down = rng.poisson(1 / steps, size=(2, len(drawn), steps))
    seen = np.cumsum(up - down, axis=1) / n
    return drawn + np.hstack([np.zeros((len(drawn), 1)), seen])
