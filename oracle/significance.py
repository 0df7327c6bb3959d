"""Tests of paired right and wrong, of differences between groups, and of many at once."""

import numpy as np
from numpy.typing import ArrayLike

from budget.bootstrap import FloatArray


def mcnemar(helped: ArrayLike, hurt: ArrayLike) -> FloatArray:
    """Return McNemar's exact two-sided p: do changes to right and to wrong differ in number?

    Args:
        helped: samples that became right, any shape.
        hurt: samples that became wrong, the same shape.

    Returns:
        p of each, the same shape; 1 where nothing changed.

    Example:
        >>> mcnemar([8, 3, 0], [1, 3, 0]).round(4).tolist()
        [0.0391, 1.0, 1.0]
    """
    from scipy.stats import binom

    helped, hurt = np.asarray(helped), np.asarray(hurt)
    p: FloatArray = np.minimum(1.0, 2 * binom.cdf(np.minimum(helped, hurt), helped + hurt, 0.5))
    return p


def welch(values: FloatArray, others: FloatArray) -> float:
    """Return Welch's two-sided p of a difference between two means of separate samples.

    Args:
        values: one number a sample, shape [n].
        others: those of other samples, shape [m].

    Returns:
        p; 1 where either has under two samples, or neither varies.
    """
    from scipy.stats import ttest_ind_from_stats

    if min(len(values), len(others)) < 2 or not np.ptp(values) + np.ptp(others) > 0:
        return 1.0
    found = ttest_ind_from_stats(
        *(values.mean(), values.std(ddof=1), len(values)),
        *(others.mean(), others.std(ddof=1), len(others)),
        equal_var=False,
    )
    return float(found.pvalue)


def holm(p: ArrayLike) -> FloatArray:
    """Return p adjusted for being one of many, by Holm's step-down rule.

    Whatever is below 0.05 afterwards holds together with a probability of 95 % or more
    (Holm 1979, "A simple sequentially rejective multiple test procedure").

    Args:
        p: any shape.

    Returns:
        Adjusted p, the same shape, at most 1.

    Example:
        >>> holm([0.01, 0.04, 0.02]).tolist()
        [0.03, 0.04, 0.04]
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, axis=None)
    stepped = p.ravel()[order] * np.arange(p.size, 0, -1)
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return adjusted.reshape(p.shape)
