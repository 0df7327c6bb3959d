"""Grids of 24 x 24 cells added up onto all coarser grids that divide them."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINE = 24
# Cells a side of the coarser grids, in the order in which their cells stand in a row of sums.
COARSER = (1, 2, 3, 4, 6, 8, 12)
_FROM_TWELVE = (1, 2, 3, 4, 6)
_SHARES = np.repeat(np.square(COARSER) / FINE**2, np.square(COARSER)).astype(np.float32)
_STARTS = np.cumsum([0, *(side**2 for side in COARSER)])

FloatGrid = NDArray[np.float32]


def coarser_sums(grids: FloatGrid) -> FloatGrid:
    """Add up [..., 24, 24] cells onto every grid of ``COARSER``, shape [..., 274].

    Exact for whole numbers whose sum stays under 2 ** 24, in whatever order they are added.

    Example:
        >>> sums = coarser_sums(np.ones((1, 24, 24), dtype=np.float32))
        >>> [float(sums[0, start]) for start in grid_starts()]
        [576.0, 144.0, 64.0, 36.0, 16.0, 9.0, 4.0]
    """
    eight, twelve = (
        block_sums(grids, FINE // side, np.float32).reshape(*grids.shape[:-2], -1)
        for side in (8, 12)
    )
    return np.concatenate([twelve @ _summing(), eight, twelve], axis=-1)


def coarser_means(sums: FloatGrid) -> FloatGrid:
    """Return the means of the fine cells that :func:`coarser_sums` added up, [..., 274]."""
    return sums * _SHARES


def block_sums(grids: NDArray[Any], factor: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Add up blocks of factor x factor cells, [..., h, w] to [..., h / factor, w / factor]."""
    rows = grids[..., ::factor, :].astype(dtype)
    for i in range(1, factor):
        rows += grids[..., i::factor, :]
    out = rows[..., ::factor].copy()
    for i in range(1, factor):
        out += rows[..., i::factor]
    return out


def grid_starts() -> NDArray[np.int64]:
    """Return where each grid of ``COARSER`` begins in a row of sums, shape [7]."""
    return _STARTS[:-1]


def cells_of(sums: FloatGrid, side: int) -> FloatGrid:
    """Return the cells of one grid, shape [..., side ** 2], row by row."""
    start = _STARTS[COARSER.index(side)]
    return sums[..., start : start + side**2]


@functools.cache
def _summing() -> FloatGrid:
    """Return which of 12 x 12 cells belongs to which coarser one, shape [144, 66]."""
    place = np.arange(12)
    columns = []
    for side in _FROM_TWELVE:
        owner = (place * side // 12)[:, None] * side + place * side // 12
        columns.append(owner.reshape(-1, 1) == np.arange(side**2))
    return np.concatenate(columns, axis=1).astype(np.float32)
