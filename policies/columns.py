"""How columns of a feature table are read off grids."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grids = NDArray[Any]
Table = NDArray[np.float64]


def flat(grids: Grids) -> NDArray[Any]:
    """Return [n, h, w] as [n, h * w]."""
    return grids.reshape(len(grids), -1)


def counts(*masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count True in each of the n grids of k masks [n, ...], shape [n, k]."""
    return np.array([[np.count_nonzero(m) for m in row] for row in zip(*masks, strict=True)])
