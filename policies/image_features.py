"""Cheap numbers that say what pictures are like, from numpy and PIL alone."""

import numpy as np
from numpy.typing import NDArray

from policies.colours import NUM_HUES
from policies.columns import Grids, Table, counts, flat
from policies.detail_features import DETAIL_NAMES, detail_features
from policies.pooling import cells_of
from policies.raster import PLANES, SIDE, Rasters

_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")
_THUMBNAIL_SIDE = 4
_STRONG = 80  # of 255, over which a pixel's colour counts as strong
_SIDE = SIDE // 2  # of the grid of basic colours
_PIXELS = _SIDE**2
_MANY = 12  # of them, at which a colour counts as present

IMAGE_NAMES = (
    "width",
    "height",
    "log_area",
    "log_aspect",
    *(f"{name}_mean" for name in PLANES),
    *(f"{name}_spread" for name in PLANES),
    "saturated",
    "hues_present",
    "hue_share",
    "colour_entropy",
    "run_length",
    *DETAIL_NAMES,
    *(f"thumbnail_{i:02d}" for i in range(_THUMBNAIL_SIDE**2)),
)


def image_features(rasters: Rasters, heights: NDArray[np.int64]) -> list[Grids]:
    """Return the features of pictures, tables side by side in the columns of ``IMAGE_NAMES``.

    Args:
        rasters: n pictures.
        heights: of :func:`policies.heights.run_pixels`.
    """
    return [
        *_size(rasters.sizes),
        rasters.means,  # and the spread of every plane
        np.sqrt(rasters.variances[..., 0]),
        _colours(rasters),
        *detail_features(rasters, heights),
        cells_of(rasters.coarser[:, _LUMA], _THUMBNAIL_SIDE),
    ]


def _size(sizes: NDArray[np.int64]) -> list[Grids]:
    width, height = sizes[:, :1], sizes[:, 1:]
    return [sizes, np.log(width * height), np.log(width / height)]


def _colours(rasters: Rasters) -> Table:
    """How strong colours are, how many there are, and how mixed."""
    labels, shares = rasters.thinned, rasters.counts / _PIXELS
    across = np.zeros(labels.shape, dtype=bool)
    colours = flat(labels)
    np.not_equal(colours[:, 1:], colours[:, :-1], out=flat(across)[:, :-1])
    across[:, :, -1] = False  # a row's end and the next one's begin are no neighbours
    down = colours[:, _SIDE:] != colours[:, :-_SIDE]
    found = counts(flat(rasters.planes[:, _SATURATION]) > _STRONG, across, down)
    table = np.empty((len(found), 5))
    table[:, 0] = found[:, 0] / SIDE**2
    table[:, 1] = np.count_nonzero(rasters.counts[:, :NUM_HUES] > _MANY, axis=1)
    np.add.reduce(shares[:, :NUM_HUES], axis=1, out=table[:, 2])
    logs = np.log2(np.where(rasters.counts, shares, 1.0))
    np.negative(np.add.reduce(shares * logs, axis=1), out=table[:, 3])
    # How long a run of one colour is.
    np.divide(2 * _PIXELS, found[:, 1] + found[:, 2] + 2 * _SIDE, out=table[:, 4])
    return table
