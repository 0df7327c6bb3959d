"""Cheap numbers that say what pictures are like, from numpy and PIL alone."""

import functools

import numpy as np
from numpy.typing import NDArray

from policies.colours import NUM_HUES
from policies.columns import Grids, beside, counts, flat
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
        *_colours(rasters),
        *detail_features(rasters, heights),
        cells_of(rasters.coarser[:, _LUMA], _THUMBNAIL_SIDE),
    ]


def _size(sizes: NDArray[np.int64]) -> list[Grids]:
    width, height = sizes[:, :1], sizes[:, 1:]
    return [sizes, np.log(width * height), np.log(width / height)]


def _colours(rasters: Rasters) -> list[Grids]:
    """How strong colours are, how many there are, how mixed, how long a run of one colour is."""
    saturated = flat(rasters.planes[:, _SATURATION]) > _STRONG
    found = counts(saturated, *beside(rasters.thinned, np.not_equal))
    colours = rasters.counts
    hues = colours[:, :NUM_HUES]
    return [
        found[:, :1] / SIDE**2,
        np.add.reduce(hues > _MANY, axis=1, keepdims=True),
        np.add.reduce(hues / _PIXELS, axis=1, keepdims=True),
        np.add.reduce(_entropies().take(colours), axis=1, keepdims=True),
        2 * _PIXELS / (found[:, 1:2] + found[:, 2:] + 2 * _SIDE),
    ]


@functools.cache
def _entropies() -> NDArray[np.float64]:
    """Return what a colour adds to the entropy, in bits, by its pixels, shape [2305]."""
    shares = np.arange(_PIXELS + 1) / _PIXELS
    return -shares * np.log2(np.maximum(shares, 1 / _PIXELS))
