"""Cheap numbers that say what pictures are like, from numpy and PIL alone."""

import numpy as np

from policies.colours import NUM_HUES
from policies.columns import Table, count, share_over, table_of
from policies.detail_features import DETAIL_NAMES, detail_features
from policies.heights import Runs
from policies.pooling import cells_of
from policies.raster import PLANES, Rasters

_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")
_THUMBNAIL_SIDE = 4
_MANY = 12  # of 2,304 pixels, at which a colour counts as present

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


def image_features(rasters: Rasters, runs: Runs) -> Table:
    """Return the features of pictures, in the columns of ``IMAGE_NAMES``.

    Args:
        rasters: n pictures.
        runs: of one colour in them.
    """
    tables = [
        _size(rasters),
        rasters.means,  # and the spread of every plane
        np.sqrt(rasters.variances),
        _colours(rasters),
        detail_features(rasters, runs),
        cells_of(rasters.coarser[:, _LUMA], _THUMBNAIL_SIDE),
    ]
    return np.concatenate(tables, axis=1)


def _size(rasters: Rasters) -> Table:
    width, height = rasters.sizes.T.astype(np.float64)
    return table_of(width, height, np.log(width * height), np.log(width / height))


def _colours(rasters: Rasters) -> Table:
    """How strong colours are, how many there are, and how mixed."""
    labels, counts = rasters.thinned, rasters.counts
    pixels, side = labels[0].size, labels.shape[1]
    shares = counts / pixels
    changes = count(labels[:, :, 1:] != labels[:, :, :-1]) + count(labels[:, 1:] != labels[:, :-1])
    return table_of(
        share_over(rasters.planes[:, _SATURATION], 80),
        (counts[:, :NUM_HUES] > _MANY).sum(axis=1),
        shares[:, :NUM_HUES].sum(axis=1),
        -(shares * np.log2(np.where(counts, shares, 1.0))).sum(axis=1),
        2 * pixels / (changes + 2 * side),  # how long a run of one colour is
    )
