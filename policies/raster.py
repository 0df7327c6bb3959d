"""The small pictures that all image features are read from, whatever the size of the images.

A batch of pictures is one array per quantity, so that a feature is one operation for all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from budget.pictures import as_shown, open_draft
from policies.colours import COLOUR_NAMES, label_pixels
from policies.pooling import (
    COARSER,
    FINE,
    coarser_means,
    coarser_sums,
    grid_starts,
    quarter_sums,
)

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 96
PLANES = ("red", "green", "blue", "luma", "saturation")
MIDDLE = SIDE // 2
# Sides of the grids that pictures are averaged onto, from the raster's own down to 2 x 2.
GRIDS = (SIDE, *COARSER[1:], FINE, MIDDLE)
_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")
# 256ths of the usual weights 0.299, 0.587 and 0.114
_LUMA_WEIGHTS = np.array([77, 150, 29], dtype=np.float32) / 256
_BYTES = np.array([[0], [8], [16]], dtype=np.uint32)  # where red, green and blue stand
_HALF = np.float32(0.5)
_FINE_STEP = np.float32(FINE**2 / SIDE**2)  # from sums of 4 x 4 to means
# What sums of squares are divided by for the mean square on each of ``GRIDS``.
_CELLS = np.array([side**2 for side in GRIDS], dtype=np.float64)
_CELLS[-2:] *= [16**2, 4**2]  # there, cells are sums of 16 and of 4

FloatGrid = NDArray[np.float32]


class Rasters(NamedTuple):
    """n images on a 96 x 96 grid, and what is derived from them once for all features.

    Attributes:
        sizes: width and height of the images themselves, in pixels, shape [n, 2].
        planes: red, green, blue, luminance and saturation (largest less smallest channel), each
            in [0, 255], shape [n, 5, 96, 96].
        middle: ``planes`` added up onto 48 x 48 cells, shape [n, 5, 48, 48].
        fine: ``planes`` added up onto 24 x 24 cells, shape [n, 5, 24, 24].
        coarser: ``planes`` averaged onto all coarser grids, see ``policies.pooling``, [n, 5, 274].
        means: mean of each plane, shape [n, 5].
        variances: variance of each plane averaged onto each of ``GRIDS``, shape [n, 5, 9].
        columns: basic colour of each pixel in every second column, an index into
            ``COLOUR_NAMES``, column by column, shape [n, 48, 96].
        thinned: ``columns`` at every second row, shape [n, 48, 48].
        counts: how often each colour stands in ``thinned``, shape [n, 12].
    """

    sizes: NDArray[np.int64]
    planes: NDArray[np.uint8]
    middle: FloatGrid
    fine: FloatGrid
    coarser: FloatGrid
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    columns: NDArray[np.uint8]
    thinned: NDArray[np.uint8]
    counts: NDArray[np.int64]


def make_rasters(images: "Sequence[Image | bytes]") -> Rasters:
    """Draw images of any size and mode onto the raster.

    Args:
        images: pictures, drawn as the model will see them, or the bytes of image files. A JPEG's
            bytes are decoded at the smallest scale that still holds the raster, which is several
            times faster than decoding all of it.

    Raises:
        DataError: if an image cannot be shown, see ``budget.pictures.as_shown``.
    """
    sizes = np.empty((len(images), 2), dtype=np.int64)
    planes = np.empty((len(images), len(PLANES), SIDE, SIDE), dtype=np.uint8)
    for i, image in enumerate(images):
        shown, sizes[i] = _shown(image)
        _write_colours(_shrink(shown), planes[i, :3])
    pixels = _derive(planes)
    sums = quarter_sums(planes)
    middle, fine = sums.astype(np.float32), quarter_sums(sums).astype(np.float32)
    sums = coarser_sums(fine)
    means = sums[..., 0] / SIDE**2.0
    coarser = coarser_means(sums) * _FINE_STEP
    variances = _variances(pixels, middle, fine, coarser, means)
    columns = _labelled_columns(planes)
    thinned = np.ascontiguousarray(columns[:, :, ::2])
    counts = _count_labels(thinned)
    return Rasters(sizes, planes, middle, fine, coarser, means, variances, columns, thinned, counts)


def _shown(image: "Image | bytes") -> "tuple[Image, tuple[int, int]]":
    """Return a picture as it is shown, maybe at a smaller scale, and its true size."""
    if isinstance(image, bytes):
        return open_draft(image, SIDE)
    image = as_shown(image)
    return image, image.size


def _shrink(image: "Image") -> "Image":
    """Bring an image to 96 x 96: means of the cells, of at most 4 x 4 points each in large ones.

    Reading every pixel of a large picture would take longer than all that is done with it.
    """
    if image.size == (SIDE, SIDE):
        return image
    points = min(image.size) // SIDE
    if points < 2:
        return image.resize((SIDE, SIDE), Resampling.BOX, reducing_gap=1.0)
    points = 4 if points >= 4 else 2
    return image.resize((SIDE * points, SIDE * points), Resampling.NEAREST).reduce(points)


def _write_colours(image: "Image", colours: NDArray[np.uint8]) -> None:
    """Write the pixels of an RGB image to three planes, shape [3, 96, 96]."""
    # A pixel is read as one number of four bytes; parting them so is faster than byte by byte.
    pixels = np.frombuffer(image.tobytes("raw", "RGBX"), dtype="<u4")
    colours.reshape(3, -1)[...] = pixels >> _BYTES  # of which the lowest byte is kept


def _derive(planes: NDArray[np.uint8]) -> FloatGrid:
    """Compute luminance and saturation from the other planes of [n, 5, 96, 96], in place.

    Returns:
        All planes as numbers to reckon with, shape [n, 5, 9216].
    """
    pixels = np.empty((*planes.shape[:2], SIDE**2), dtype=np.float32)
    flat = planes.reshape(pixels.shape)
    colours = pixels[:, :_LUMA]
    colours[...] = flat[:, :_LUMA]
    luma = _LUMA_WEIGHTS @ colours  # exact, as are its halves: 16 bits of 24
    luma += _HALF
    flat[:, _LUMA] = luma  # cut to whole numbers
    red, green, blue = (flat[:, i] for i in range(3))
    highest, lowest = np.maximum(red, green), np.minimum(red, green)
    np.maximum(highest, blue, out=highest)
    np.minimum(lowest, blue, out=lowest)
    np.subtract(highest, lowest, out=flat[:, _SATURATION])
    pixels[:, _LUMA:] = flat[:, _LUMA:]
    return pixels


def _variances(
    pixels: FloatGrid,
    middle: FloatGrid,
    fine: FloatGrid,
    coarser: FloatGrid,
    means: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the variance of every plane averaged onto each of ``GRIDS``, shape [n, 5, 9]."""
    squares = np.empty((*means.shape, len(GRIDS)))
    squares[..., 0] = _square_sums(pixels)
    cells = np.square(coarser, dtype=np.float64)
    np.add.reduceat(cells, grid_starts()[1:], axis=2, out=squares[..., 1:-2])
    squares[..., -2] = _square_sums(fine)
    squares[..., -1] = _square_sums(middle)
    squares /= _CELLS
    squares -= np.square(means)[..., None]
    whole = squares[..., 0]
    np.maximum(whole, 0.0, out=whole)  # of a flat plane rounding leaves less than nothing
    return squares


def _square_sums(planes: FloatGrid) -> FloatGrid:
    """Return the sum of the squares of each plane of [n, p, ...], shape [n, p]."""
    flat = planes.reshape(*planes.shape[:2], -1)
    sums: FloatGrid = np.vecdot(flat, flat)
    return sums


def _labelled_columns(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the basic colour of every second column of planes [n, 5, 96, 96], [n, 48, 96]."""
    # Of two neighbours read as one number, the left one is its lower byte.
    red, green, blue = (planes[:, i].view("<u2") for i in range(3))
    return np.ascontiguousarray(label_pixels(red, green, blue).transpose(0, 2, 1))


def _count_labels(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of every basic colour in each of [n, h, w], shape [n, 12]."""
    flat = labels.reshape(len(labels), -1)
    return np.array([np.bincount(row, minlength=len(COLOUR_NAMES)) for row in flat])
