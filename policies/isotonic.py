"""Repair of predicted scores that fall with the rung."""

import numpy as np

from policies.hull import FloatArray


def isotonic_rows(scores: FloatArray) -> FloatArray:
    """Return, row by row, the closest scores in squares that never fall with the rung.

    The max-min formula of isotonic regression: the score at rung j is the largest, over starts
    a <= j, of the smallest mean over [a, b], b >= j.

    Args:
        scores: any numbers, shape [n, k]; k is small.

    Returns:
        Non-decreasing rows, shape [n, k]; rows that already were are unchanged up to rounding.

    Example:
        >>> isotonic_rows(np.array([[0.2, 0.6, 0.4, 0.9]])).round(3).tolist()
        [[0.2, 0.5, 0.5, 0.9]]
    """
    scores = np.asarray(scores, dtype=np.float64)
    num_rungs = scores.shape[1]
    sums = np.cumsum(np.pad(scores, ((0, 0), (1, 0))), axis=1)
    best = np.full(scores.shape, -np.inf)
    for a in range(num_rungs):
        lengths = np.arange(1, num_rungs - a + 1)
        means = (sums[:, a + 1 :] - sums[:, [a]]) / lengths
        smallest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        best[:, a:] = np.maximum(best[:, a:], smallest)
    return np.maximum.accumulate(best, axis=1)
