"""Grids of 24 x 24 cells added up onto all coarser grids that divide them."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINE = 24
# Cells a side of the coarser grids, in the order in which their cells stand in a row of sums.
COARSER = (1, 2, 3, 4, 6, 8, 12)
_SHARES = np.repeat(np.square(COARSER) / FINE**2, np.square(COARSER)).astype(np.float32)
_STARTS = np.cumsum([0, *(side**2 for side in COARSER)])
# Which of 24 rows (or columns) belongs to which one of every coarser grid, shape [24, 36].
_OWNERS = np.concatenate(
    [(np.arange(FINE) * side // FINE)[:, None] == np.arange(side) for side in COARSER], axis=1
).astype(np.float32)
_OWNED = np.ascontiguousarray(_OWNERS.T)
# Where rows and columns of the same grid meet, among all [36, 36] of them.
_LINES = np.cumsum([0, *COARSER])
_MEETINGS = np.concatenate(
    [(np.arange(a, b)[:, None] * _LINES[-1] + np.arange(a, b)).ravel() for a, b in pairwise(_LINES)]
)
# Unsigned numbers: what reads two of them in one, the bits of one, and these bits set.
_PAIRS: dict[str, tuple[str, Any, Any]] = {
    "u1": ("<u2", np.uint16(8), np.uint16(0xFF)),
    "u2": ("<u4", np.uint32(16), np.uint32(0xFFFF)),
}

FloatGrid = NDArray[np.float32]


def coarser_sums(grids: FloatGrid) -> FloatGrid:
    """Add up [..., 24, 24] cells onto every grid of ``COARSER``, shape [..., 274].

    Exact for whole numbers whose sum stays under 2 ** 24, in whatever order they are added.

    Example:
        >>> sums = coarser_sums(np.ones((1, 24, 24), dtype=np.float32))
        >>> [float(sums[0, start]) for start in grid_starts()]
        [576.0, 144.0, 64.0, 36.0, 16.0, 9.0, 4.0]
    """
    above = grids.shape[:-2]
    # Rows of one grid by columns of another come out too; it is still the fewest operations.
    columns = (grids.reshape(-1, FINE) @ _OWNERS).reshape(*above, FINE, -1)
    sums: FloatGrid = (_OWNED @ columns).reshape(*above, -1).take(_MEETINGS, axis=-1)
    return sums


def coarser_means(sums: FloatGrid) -> FloatGrid:
    """Return the means of the fine cells that :func:`coarser_sums` added up, [..., 274]."""
    return sums * _SHARES


def quarter_sums(grids: NDArray[Any]) -> NDArray[Any]:
    """Add up blocks of 2 x 2 cells, [..., h, w] to [..., h / 2, w / 2] in numbers twice as wide.

    Args:
        grids: numbers of type uint8 or uint16, one row after the other in memory.

    Example:
        >>> quarter_sums(np.full((2, 4), 255, dtype=np.uint8))
        array([[1020, 1020]], dtype=uint16)
    """
    # Two neighbours are read as one number, so that no step goes through memory by strides.
    wider, bits, low = _PAIRS[grids.dtype.str[1:]]
    pairs = grids.view(wider)
    sums = pairs >> bits
    sums += pairs & low
    quarters: NDArray[Any] = sums[..., ::2, :] + sums[..., 1::2, :]
    return quarters


def grid_starts() -> NDArray[np.int64]:
    """Return where each grid of ``COARSER`` begins in a row of sums, shape [7]."""
    return _STARTS[:-1]


def cells_of(sums: FloatGrid, side: int) -> FloatGrid:
    """Return the cells of one grid, shape [..., side ** 2], row by row."""
    start = _STARTS[COARSER.index(side)]
    return sums[..., start : start + side**2]
