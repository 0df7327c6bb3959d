"""An image with a heat map laid over it."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from budget.explaining.maps import HeatMap
from budget.pictures import as_shown

COLOURS = "inferno"  # even to the eye, told apart by the colour-blind, and rising in print too
OPACITY = (0.15, 0.8)  # of the colour at no heat and at the peak: the image stays readable
PALE = 0.4  # how much of its own colour an image keeps: things must be told apart, heat stand out
UNSEEN = 0.35  # how bright what the model does not see is left


def overlay(image: Image.Image, heat: HeatMap) -> Image.Image:
    """Return an image in pale colours with a heat map over it, cell by cell.

    Cells are not smoothed: the model knows no finer place. What it does not see of the image, cut
    off before it was read, is darkened and bears no colour.

    Args:
        image: the image that the map is of.
        heat: the map.

    Returns:
        RGB, of the size of the image as it is shown.

    Raises:
        DataError: if the image cannot be shown.
    """
    shown = as_shown(image)
    grey = shown.convert("L").convert("RGB")
    pale = Image.blend(grey, shown, PALE)
    rows, columns = heat.heat.shape
    down = _cells(grey.height, heat.box.top, heat.box.bottom, rows)
    along = _cells(grey.width, heat.box.left, heat.box.right, columns)
    levels = np.rint(255 * heat.heat).astype(np.uint8)
    level = Image.fromarray(levels[np.ix_(down.clip(0), along.clip(0))])
    least, most = OPACITY
    mask = level.point(lambda value: least * 255 + (most - least) * value)
    level.putpalette(palette())
    blended = Image.composite(level.convert("RGB"), pale, mask)
    if (down < 0).any() or (along < 0).any():
        seen = Image.fromarray((np.outer(down >= 0, along >= 0) * 255).astype(np.uint8))
        blended = Image.composite(blended, grey.point(lambda value: value * UNSEEN), seen)
    return blended


@cache
def palette() -> bytes:
    """Return the 256 colours of heat, from 0 to the peak, 3 bytes each."""
    from matplotlib import colormaps

    colours = colormaps[COLOURS](np.arange(256), bytes=True)
    return bytes(np.ascontiguousarray(colours[:, :3]))


def _cells(pixels: int, low: float, high: float, cells: int) -> NDArray[np.int64]:
    """Return the cell that each pixel's centre lies in; -1 outside all."""
    places = (np.arange(pixels) + 0.5 - low) / (high - low) * cells
    inside = (places >= 0) & (places < cells)
    found: NDArray[np.int64] = np.where(inside, np.floor(places), -1).astype(np.int64)
    return found
