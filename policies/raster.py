"""The small pictures that all image features are read from, whatever the size of the images.

A batch of pictures is one array per quantity, so that a feature is one operation for all of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.pictures import as_shown, open_draft
from policies.colours import COLOUR_NAMES, label_pixels
from policies.pooling import FINE, block_sums, coarser_means, coarser_sums

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 96
PLANES = ("red", "green", "blue", "luma", "saturation")
_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")

FloatGrid = NDArray[np.float32]


class Rasters(NamedTuple):
    """n images on a 96 x 96 grid, and what is derived from them once for all features.

    Attributes:
        sizes: width and height of the images themselves, in pixels, shape [n, 2].
        planes: red, green, blue, luminance and saturation (largest less smallest channel), each
            in [0, 255], shape [n, 5, 96, 96].
        middle: ``planes`` averaged onto 48 x 48 cells, shape [n, 5, 48, 48].
        fine: ``planes`` averaged onto 24 x 24 cells, shape [n, 5, 24, 24].
        coarser: ``planes`` averaged onto all coarser grids, see ``policies.pooling``, [n, 5, 274].
        means: mean of each plane, shape [n, 5].
        variances: variance of each plane, shape [n, 5].
        labels: basic colour of each pixel, an index into ``COLOUR_NAMES``, shape [n, 96, 96].
        thinned: ``labels`` of every second pixel along rows and columns, shape [n, 48, 48].
        counts: how often each colour stands in ``thinned``, shape [n, 12].
    """

    sizes: NDArray[np.int64]
    planes: NDArray[np.uint8]
    middle: FloatGrid
    fine: FloatGrid
    coarser: FloatGrid
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    labels: NDArray[np.uint8]
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
        planes[i, :3] = _lines(_shrink(shown))
    _derive(planes)
    middle = block_sums(planes, 2, np.uint16)
    fine = block_sums(middle, 2, np.uint16).astype(np.float32)
    coarser = coarser_sums(fine)
    means = coarser[..., 0] / SIDE**2.0
    variances = np.maximum(mean_squares(planes.astype(np.float32)) - means**2, 0.0)
    labels = label_pixels(planes[:, 0], planes[:, 1], planes[:, 2])
    thinned = np.ascontiguousarray(labels[:, ::2, ::2])
    step = np.float32(FINE**2 / SIDE**2)
    return Rasters(
        sizes,
        planes,
        middle * np.float32(0.25),
        fine * step,
        coarser_means(coarser) * step,
        means,
        variances,
        labels,
        thinned,
        _count_labels(thinned),
    )


def mean_squares(planes: FloatGrid) -> NDArray[np.float64]:
    """Return the mean of the squares of each plane of [n, p, h, w], shape [n, p]."""
    flat = planes.reshape(*planes.shape[:2], -1)
    means: NDArray[np.float64] = np.vecdot(flat, flat) / np.float64(flat.shape[-1])
    return means


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
    from PIL.Image import Resampling

    if image.size == (SIDE, SIDE):
        return image
    points = min(image.size) // SIDE
    if points < 2:
        return image.resize((SIDE, SIDE), Resampling.BOX, reducing_gap=1.0)
    points = 4 if points >= 4 else 2
    return image.resize((SIDE * points, SIDE * points), Resampling.NEAREST).reduce(points)


def _lines(image: "Image") -> NDArray[np.uint8]:
    """Return the pixels of an RGB image as planes, shape [3, 96, 96]."""
    # Pillow parts the colours line by line, which is faster than numpy pixel by pixel.
    lines = np.frombuffer(image.tobytes("raw", "RGB;L"), dtype=np.uint8)
    return lines.reshape(SIDE, 3, SIDE).transpose(1, 0, 2)


def _derive(planes: NDArray[np.uint8]) -> None:
    """Compute luminance and saturation from the other planes of [n, 5, 96, 96], in place."""
    red, green, blue = (planes[:, i] for i in range(3))
    luma = red * np.uint16(77)  # 256ths of the usual weights 0.299, 0.587 and 0.114
    luma += green * np.uint16(150)
    luma += blue * np.uint16(29)
    luma += np.uint16(128)
    planes[:, _LUMA] = luma >> 8
    highest, lowest = np.maximum(red, green), np.minimum(red, green)
    planes[:, _SATURATION] = np.maximum(highest, blue) - np.minimum(lowest, blue)


def _count_labels(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of every basic colour in each of [n, h, w], shape [n, 12]."""
    num, kinds = len(labels), len(COLOUR_NAMES)
    keys = labels.reshape(num, -1) + kinds * np.arange(num)[:, None]
    return np.bincount(keys.ravel(), minlength=kinds * num).reshape(num, kinds)
