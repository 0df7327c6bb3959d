"""The small picture that all image features are read from, whatever the size of the image."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.pictures import as_shown
from policies.colours import COLOUR_NAMES, cell_of, label_cells

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 96
FINE = 24  # cells per side of the colour table; a cell is 4 x 4 pixels
# Grid sides at which lost detail is measured; token grids of common ladders are among them.
SIDES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
FloatGrid = NDArray[np.float32]


class Raster(NamedTuple):
    """An image on a 96 x 96 grid, and what is derived from it once for all features.

    Attributes:
        width: of the image itself, in pixels.
        height: of the image itself, in pixels.
        planes: red, green, blue, luminance and saturation (largest less smallest channel), each
            in [0, 255], shape [5, 96, 96].
        pooled: ``planes`` averaged onto smaller grids, side to array [5, side, side].
        means: mean of each plane, shape [5].
        variances: variance of each plane, shape [5].
        cells: RGB cell of each pixel, 4,096 kinds, shape [96, 96].
        labels: basic colour of each pixel, an index into ``COLOUR_NAMES``, shape [96, 96].
        colour_table: pixels of each colour in each 4 x 4 block, shape [24, 24, 12].
    """

    width: int
    height: int
    planes: FloatGrid
    pooled: dict[int, FloatGrid]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    cells: NDArray[np.uint16]
    labels: NDArray[np.uint8]
    colour_table: NDArray[np.int64]


def make_raster(image: "Image") -> Raster:
    """Draw an image of any size and mode onto the raster.

    Args:
        image: the picture, drawn as the model will see it; anything but 96 x 96 is resized by box
            averaging.

    Raises:
        DataError: if the image cannot be shown, see ``budget.pictures.as_shown``.
    """
    image = as_shown(image)
    width, height = image.size
    rgb = np.asarray(_shrink(image))
    planes = np.empty((5, SIDE, SIDE), dtype=np.float32)
    planes[:3] = rgb.transpose(2, 0, 1)
    planes[3] = 0.299 * planes[0] + 0.587 * planes[1] + 0.114 * planes[2]
    planes[4] = planes[:3].max(axis=0) - planes[:3].min(axis=0)
    cells = cell_of(rgb)
    labels = label_cells(cells)
    pooled = _pyramid(planes)
    means = pooled[1][:, 0, 0].astype(np.float64)
    variances = np.maximum(mean_squares(planes) - means**2, 0.0)
    table = _colour_table(labels)
    return Raster(width, height, planes, pooled, means, variances, cells, labels, table)


def mean_squares(planes: FloatGrid) -> NDArray[np.float64]:
    """Return the mean of the squares of each plane of [p, h, w], shape [p]."""
    flat = planes.reshape(len(planes), -1)
    means: NDArray[np.float64] = np.vecdot(flat, flat).astype(np.float64) / flat.shape[1]
    return means


def _shrink(image: "Image") -> "Image":
    from PIL.Image import Resampling

    if image.size == (SIDE, SIDE):
        return image
    return image.resize((SIDE, SIDE), Resampling.BOX, reducing_gap=2.0)


def halve(grid: FloatGrid, factor: int = 2) -> FloatGrid:
    """Average blocks of factor x factor cells, [..., h, w] to [..., h / factor, w / factor]."""
    rows = grid[..., ::factor, :].copy()
    for i in range(1, factor):
        rows += grid[..., i::factor, :]
    out = rows[..., ::factor].copy()
    for i in range(1, factor):
        out += rows[..., i::factor]
    out *= np.float32(1.0 / (factor * factor))
    return out


def _pyramid(planes: FloatGrid) -> dict[int, FloatGrid]:
    """Return the planes averaged onto every grid of ``SIDES``."""
    pooled = {48: halve(planes)}
    for side, source in ((24, 48), (12, 24), (6, 12), (3, 6), (16, 48), (8, 16), (4, 8), (2, 4)):
        pooled[side] = halve(pooled[source], source // side)
    pooled[1] = halve(pooled[2])
    return pooled


def _colour_table(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the colours in each of 24 x 24 blocks."""
    count, num_colours = SIDE // FINE, len(COLOUR_NAMES)
    block = np.arange(SIDE) // count
    key = (block[:, None] * FINE + block) * num_colours + labels
    table = np.bincount(key.ravel(), minlength=FINE * FINE * num_colours)
    return table.reshape(FINE, FINE, num_colours)
