"""The stable scores: what a rung is worth if being right there by luck does not count."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def stable_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Return, per rung, the least score there and at every larger scale.

    The running minimum from the full scale down: for right/wrong scores a rung counts only if it
    and all larger rungs are right; right while a larger one is wrong counts as luck. Rows never
    fall with the rung and never exceed ``scores``. The stable oracle chooses by these.

    Args:
        scores: task scores, shape [n, k], cheapest rung first.

    Returns:
        Shape [n, k].

    Raises:
        ValueError: if ``scores`` is not a table, is empty across, or holds NaN.

    Example:
        >>> stable_scores([[1.0, 0.0, 1.0, 1.0]]).tolist()
        [[0.0, 0.0, 1.0, 1.0]]
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0 or np.isnan(table).any():
        raise ValueError(f"scores must be a 2-D array without NaN, got shape {table.shape}")
    return np.ascontiguousarray(np.minimum.accumulate(table[:, ::-1], axis=1)[:, ::-1])
