"""How columns of a feature table are read off grids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grids = NDArray[Any]
Table = NDArray[np.float64]


def table_of(*columns: NDArray[Any]) -> Table:
    """Return columns [n] as a table [n, k]."""
    return np.array(columns, dtype=np.float64).T


def flat(grids: Grids) -> NDArray[Any]:
    """Return [n, h, w] as [n, h * w]."""
    return grids.reshape(len(grids), -1)


def count(masks: Grids) -> NDArray[np.int64]:
    """Count True in each of [n, ...], shape [n]."""
    return np.array([np.count_nonzero(mask) for mask in masks])


def share_over(grids: Grids, threshold: float) -> NDArray[np.float64]:
    """Return which share of each of [n, ...] lies above a threshold, shape [n]."""
    shares: NDArray[np.float64] = count(grids > threshold) / grids[0].size
    return shares
