"""How high things stand: the runs of one colour along the columns of pictures."""

import numpy as np
from numpy.typing import NDArray

from policies.colours import COLOUR_NAMES

# Per cent of the pixels that stand in runs no longer than reported.
PERCENT = (0, 10, 25, 50, 75, 90, 100)
_PERCENT = np.array(PERCENT)
_COLOURS = len(COLOUR_NAMES)

IntTable = NDArray[np.int64]


def run_pixels(columns: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of every colour that stand in runs of every length.

    Args:
        columns: basic colour of each pixel, column by column, shape [n, c, h], n at least 1.

    Returns:
        Counts, shape [n, 12, h + 1]: the last axis is the length, in pixels of the raster.

    Example:
        >>> column = np.array([[[0, 0, 0, 1, 0]]], dtype=np.uint8)
        >>> run_pixels(column)[0, :2].tolist()
        [[0, 1, 0, 3, 0, 0], [0, 1, 0, 0, 0, 0]]
    """
    count, height = len(columns), columns.shape[-1]
    flat = columns.reshape(-1)
    begins = np.empty(flat.size, dtype=bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[::height] = True  # every column begins anew
    starts = np.flatnonzero(begins)
    kinds = height + 1
    places = flat.take(starts) * np.int64(kinds)
    if count > 1:
        places += starts // columns[0].size * (_COLOURS * kinds)
    # Ends less starts, added on place: the end of a run is the start of the next.
    places -= starts
    places[:-1] += starts[1:]
    places[-1] += flat.size
    runs = np.bincount(places, minlength=count * _COLOURS * kinds)
    pixels: NDArray[np.int64] = runs.reshape(count, _COLOURS, kinds) * np.arange(kinds)
    return pixels


def height_quantiles(pixels: NDArray[np.int64]) -> IntTable:
    """Return lengths that shares of the pixels do not exceed, shape [n, 7].

    Args:
        pixels: how many stand in runs of every length, shape [n, h + 1]; a picture without any
            gets zeros.
    """
    reached = pixels.cumsum(axis=1)
    total = reached[:, -1:]
    wanted = np.maximum((total * _PERCENT + 99) // 100, 1)
    found = [row.searchsorted(shares) for row, shares in zip(reached, wanted, strict=True)]
    return np.array(found) * (total > 0)
