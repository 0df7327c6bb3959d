"""The separate things of pictures: connected areas of one colour, and how high they stand."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.raster import SIDE

# Smaller areas are noise, or the seam between two colours.
LEAST_PIXELS = 6
# Per cent of the things' pixels that stand in things no higher than reported.
PERCENT = (0, 10, 25, 50, 75, 90, 100)
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])  # what counts as a neighbour
_ROW = SIDE + 1  # an empty column on the left, and one or two rows below, part the pictures

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Things(NamedTuple):
    """Things of n pictures, t of them in all.

    Attributes:
        picture: index of the picture that each is in, rising, shape [t].
        colour: index into ``COLOUR_NAMES``, shape [t].
        height: pixels of the raster, rising within each picture, shape [t].
        pixels: how many it covers, shape [t].
    """

    picture: IntArray
    colour: NDArray[np.uint8]
    height: IntArray
    pixels: IntArray


def find_things(labels: NDArray[np.uint8]) -> Things:
    """Return the connected areas of every colour.

    Pixels count that begin a square of 2 x 2 of one colour, so that lines one pixel wide, noise
    among it, neither make things nor connect them.

    Args:
        labels: basic colour of each pixel, shape [n, 96, 96].
    """
    from scipy import ndimage

    inside = _inside(labels)
    marked, count = ndimage.label(inside, _CROSS)
    inside, marked = inside.ravel(), marked.ravel()
    # What is connected is a stack of runs along the rows.
    starts = np.flatnonzero(inside[1:] > inside[:-1]) + 1
    stops = np.flatnonzero(inside[1:] < inside[:-1]) + 1
    owners = marked[starts]
    pixels = np.bincount(owners, stops - starts, count + 1).astype(np.int64)
    first, last = np.zeros_like(pixels), np.zeros_like(pixels)
    last[owners] = starts  # of equal indices the last one stays
    first[owners[::-1]] = starts[::-1]
    kept = np.flatnonzero(pixels >= LEAST_PIXELS)
    top, left = np.divmod(first[kept], _ROW)
    picture, row = np.divmod(top, _ROW)
    height = last[kept] // _ROW - top + 2
    order = np.lexsort((height, picture))
    colour = labels[picture, row, left - 1]
    return Things(picture[order], colour[order], height[order], pixels[kept][order])


def _inside(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the pixels that count, all pictures below each other, shape [n * 97, 97]."""
    inside = np.zeros((len(labels), _ROW, _ROW), dtype=bool)
    across = labels[:, :, :-1] == labels[:, :, 1:]
    squares = inside[:, : SIDE - 1, 1:SIDE]
    np.equal(labels[:, :-1, :-1], labels[:, 1:, :-1], out=squares)
    squares &= across[:, :-1]
    squares &= across[:, 1:]
    return inside.reshape(-1, _ROW)


def height_quantiles(things: Things, weights: IntArray, num_pictures: int) -> FloatArray:
    """Return heights that shares of the things' weight do not exceed, shape [n, 7].

    Args:
        things: of n pictures.
        weights: of each thing, whole numbers of at least 0, shape [t].
        num_pictures: n; a picture without weight gets zeros.
    """
    # Whole numbers, so that no picture's rounding depends on those before it.
    reached = np.concatenate([[0], np.cumsum(weights)])
    ends = reached[np.searchsorted(things.picture, np.arange(num_pictures + 1))]
    total = np.diff(ends)[:, None]
    wanted = np.maximum(-(-total * PERCENT // 100), 1)
    places = np.searchsorted(reached[1:], ends[:-1, None] + wanted)
    heights = np.append(things.height, 0)
    found: FloatArray = np.where(total, heights[places], 0).astype(np.float64)
    return found
