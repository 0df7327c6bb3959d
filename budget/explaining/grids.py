"""Where the grids of patches that a model sees lie in the image, and their maps laid together."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from budget.explaining.maps import Box, FloatGrid
from budget.llava_inputs import LlavaInputs
from budget.tiles import best_resolution, fitted_size


class Places(NamedTuple):
    """Where an image's grids lie.

    Attributes:
        whole: of the first grid, which sees the image as a whole.
        tiles: of the others together; None without tiles.
        tile_rows: how many tiles lie below each other.
    """

    whole: Box
    tiles: Box | None = None
    tile_rows: int = 0


def places_of(runner: LlavaInputs, image: Image.Image) -> Places:
    """Return where the grids lie that a model sees an image in.

    Args:
        runner: the model.
        image: as it is shown, see ``budget.pictures.as_shown``.
    """
    width, height = image.size
    if runner.pinpoints:
        target = best_resolution(image.size, runner.pinpoints)
        tiles = _fitted(image.size, target)
        return Places(Box(0, 0, width, height), tiles, target[1] // runner.side)
    if runner.aspect == "pad":
        return Places(_centred(image.size, max(width, height), whole_pixels=True))
    processor = runner.image_processor
    shortest = getattr(processor.size, "shortest_edge", None)
    if not (processor.do_center_crop and processor.do_resize and shortest):
        return Places(Box(0, 0, width, height))
    seen = min(width, height) * processor.crop_size.height / shortest
    return Places(_centred(image.size, seen))


def lay_together(maps: Sequence[FloatGrid], places: Places) -> tuple[FloatGrid, Box]:
    """Return one map of all grids and where it lies.

    With tiles, theirs are put beside each other, and what the whole image's grid says is shared
    out over the cells that lie in its own: values are per cell, so that sums are kept.

    Args:
        maps: of every grid, shape [rows, columns], the whole image's first, tiles row by row.
        places: where they lie.
    """
    if places.tiles is None:
        return maps[0], places.whole
    across = (len(maps) - 1) // places.tile_rows
    rows = [
        np.concatenate(maps[1 + i * across : 1 + (i + 1) * across], axis=1)
        for i in range(places.tile_rows)
    ]
    stitched = np.concatenate(rows, axis=0)
    return stitched + share_out(maps[0], places.whole, places.tiles, stitched.shape), places.tiles


def share_out(values: FloatGrid, own: Box, other: Box, shape: tuple[int, ...]) -> FloatGrid:
    """Share out a grid's values over the cells of another by the area that they have in common.

    Args:
        values: per cell, shape [rows, columns].
        own: where the grid lies.
        other: where the other lies.
        shape: rows and columns of the other.

    Example:
        >>> share_out(np.array([[4.0]]), Box(0, 0, 2, 2), Box(0, -2, 2, 2), (4, 1)).ravel().tolist()
        [0.0, 0.0, 2.0, 2.0]
    """
    down = _common(own.top, own.bottom, values.shape[0], other.top, other.bottom, shape[0])
    along = _common(own.left, own.right, values.shape[1], other.left, other.right, shape[1])
    shared: FloatGrid = down @ values @ along.T
    return shared


def square(values: torch.Tensor) -> FloatGrid:
    """Return the values of patches [n] as a grid [side, side]."""
    side = math.isqrt(len(values))
    grid: FloatGrid = values.double().reshape(side, side).cpu().numpy()
    return grid


def _common(
    low: float, high: float, cells: int, other_low: float, other_high: float, other_cells: int
) -> FloatGrid:
    """Return which share of each cell lies in each of the other's, shape [other_cells, cells]."""
    edges = np.linspace(low, high, cells + 1)
    others = np.linspace(other_low, other_high, other_cells + 1)[:, None]
    within = np.minimum(edges[1:], others[1:]) - np.maximum(edges[:-1], others[:-1])
    shares: FloatGrid = np.maximum(within, 0.0) / ((high - low) / cells)
    return shares


def _centred(size: tuple[int, int], side: float, *, whole_pixels: bool = False) -> Box:
    """Return the square of a side around the middle of an image."""
    left, top = (side - size[0]) / 2, (side - size[1]) / 2
    if whole_pixels:  # as ``budget.images.pad_to_square`` places it
        left, top = left // 1, top // 1
    return Box(-left, -top, side - left, side - top)


def _fitted(size: tuple[int, int], target: tuple[int, int]) -> Box:
    """Return where in an image's pixels the canvas lies that it was fitted into."""
    width, height = fitted_size(size, target)
    across, down = width / size[0], height / size[1]
    left, top = (target[0] - width) // 2, (target[1] - height) // 2
    return Box(-left / across, -top / down, (target[0] - left) / across, (target[1] - top) / down)
