"""How high things stand: the runs of one colour along the columns of pictures."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.raster import SIDE

# Per cent of the pixels that stand in runs no longer than reported.
PERCENT = (0, 10, 25, 50, 75, 90, 100)
_NONE = 255  # no colour; parts the columns

FloatArray = NDArray[np.float64]


class Runs(NamedTuple):
    """Runs of one colour in the columns of n pictures, t of them in all.

    Attributes:
        picture: index of the picture that each is in, rising, shape [t].
        colour: index into ``COLOUR_NAMES``, shape [t].
        length: pixels of the raster, shape [t].
    """

    picture: NDArray[np.int64]
    colour: NDArray[np.uint8]
    length: NDArray[np.int64]


def find_runs(labels: NDArray[np.uint8]) -> Runs:
    """Return the runs in every second column.

    Args:
        labels: basic colour of each pixel, shape [n, 96, 96].
    """
    columns = np.full((len(labels), SIDE // 2, SIDE + 1), _NONE, dtype=np.uint8)
    columns[:, :, :SIDE] = labels[:, :, ::2].transpose(0, 2, 1)
    flat = columns.ravel()
    stops = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([np.zeros(1, dtype=np.int64), stops])
    stops = np.append(stops, len(flat))
    colours = flat[starts]
    inside = colours != _NONE
    starts = starts[inside]
    return Runs(starts // columns[0].size, colours[inside], stops[inside] - starts)


def height_quantiles(runs: Runs, chosen: NDArray[np.bool_], num_pictures: int) -> FloatArray:
    """Return lengths that shares of the chosen runs' pixels do not exceed, shape [n, 7].

    Args:
        runs: of n pictures.
        chosen: which of them count, shape [t].
        num_pictures: n; a picture of which none is chosen gets zeros.
    """
    lengths = SIDE + 1
    places = runs.picture * lengths + runs.length
    pixels = np.bincount(places, runs.length * chosen, num_pictures * lengths)
    reached = np.cumsum(pixels.reshape(num_pictures, lengths), axis=1)
    total = reached[:, -1:]
    wanted = np.maximum(np.ceil(total * PERCENT / 100), 1.0)
    found: FloatArray = (reached[:, None, :] < wanted[:, :, None]).sum(axis=2) * (total > 0.0)
    return found
