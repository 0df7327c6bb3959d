"""How columns of a feature table are read off grids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grids = NDArray[Any]
Table = NDArray[np.float64]


def flat(grids: Grids) -> NDArray[Any]:
    """Return [n, h, w] as [n, h * w]."""
    return grids.reshape(len(grids), -1)


def beside(grids: Grids, compare: np.ufunc) -> tuple[Grids, Grids]:
    """Compare all neighbours of grids [n, side, side], along rows and along columns.

    Returns:
        Two masks, [n, side, side], of which the last column is False, and [n, side * (side - 1)].
    """
    side, cells = grids.shape[-1], flat(grids)
    across = np.empty(grids.shape, dtype=bool)
    compare(cells[:, 1:], cells[:, :-1], out=flat(across)[:, :-1])
    across[:, :, -1] = False  # a row's end and the next one's begin are no neighbours
    return across, compare(cells[:, side:], cells[:, :-side])


def counts(*masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count True in each of the n grids of k masks [n, ...], shape [n, k]."""
    count = np.count_nonzero
    return np.array([[count(mask) for mask in row] for row in zip(*masks, strict=True)])
