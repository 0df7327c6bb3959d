"""What questions name, looked up in the pictures: how large and how fine the named colour is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from policies.colours import named_colours
from policies.columns import Grids, Table, beside, counts, flat
from policies.heights import PERCENT, height_quantiles
from policies.pooling import COARSER, FINE, coarser_sums, grid_starts, quarter_sums
from policies.raster import SIDE, Rasters

# Grids on which the named colour may or may not be the main one of the cells it lies in.
_SIDES = (*COARSER[1:], FINE)
_PIXELS = (SIDE // 2) ** 2  # of the grid of basic colours
_CELL_SHARES = np.square(_SIDES) / _PIXELS

JOINT_NAMES = (
    "named_colours",
    "named_share",
    "named_share_all",
    "named_pieces",
    "named_piece_size",
    *(f"named_height_{percent}" for percent in PERCENT),
    *(f"named_best_{side}" for side in _SIDES),
)


def joint_features(rasters: Rasters, heights: NDArray[np.int64], questions: Sequence[str]) -> Table:
    """Return what the questions' colours look like in the pictures, in ``JOINT_NAMES``.

    Of several named colours the one with the smallest share counts: it is the hardest to see. All
    are 0 for a question that names no colour.

    Args:
        rasters: n pictures.
        heights: of :func:`policies.heights.run_pixels`.
        questions: n questions.
    """
    table = np.zeros((len(questions), len(JOINT_NAMES)))
    named = [named_colours(question) for question in questions]
    rows = [i for i, found in enumerate(named) if found]
    if not rows:
        return table
    colours = rasters.counts[rows]
    wanted = np.zeros(colours.shape, dtype=bool)
    for row, i in zip(wanted, rows, strict=True):
        row[named[i]] = True
    rarest = np.where(wanted, colours, _PIXELS + 1).argmin(axis=1)
    masks = rasters.thinned[rows] == rarest[:, None, None].astype(np.uint8)
    tables = [
        _pieces(colours, masks, wanted, rarest),
        height_quantiles(heights[rows, rarest]),
        *_best_cells(masks),
    ]
    table[rows] = np.concatenate(tables, axis=1)
    return table


def _pieces(colours: Grids, masks: Grids, wanted: Grids, rarest: Grids) -> Table:
    """Return how many colours are named, and share, number and size of the areas of one of them.

    Args:
        colours: pixels of each colour, shape [n, 12].
        masks: where the one is, shape [n, 48, 48].
        wanted: which colours are named, shape [n, 12].
        rarest: the one that counts, shape [n].
    """
    pixels = colours[np.arange(len(rarest)), rarest]
    across, down = beside(masks, np.logical_and)
    pairs, stacks, blocks = counts(across, down, across[:, 1:] & across[:, :-1]).T
    # The Euler number, exact where areas have no holes.
    areas = pixels - pairs - stacks + blocks
    share, share_all = pixels / _PIXELS, (colours * wanted).sum(axis=1) / _PIXELS
    size = SIDE**2 * share / np.maximum(areas, 1)
    return np.array([wanted.sum(axis=1), share, share_all, areas, size]).T


def _best_cells(masks: Grids) -> list[Table]:
    """Return, per grid of ``_SIDES``, how full the fullest cell of masks [n, 48, 48] is, [n, 7]."""
    fine = quarter_sums(masks.view(np.uint8)).astype(np.float32)
    best = np.empty((len(masks), len(_SIDES)))
    np.maximum.reduceat(coarser_sums(fine), grid_starts()[1:], axis=1, out=best[:, :-1])
    np.maximum.reduce(flat(fine), axis=1, out=best[:, -1])
    best *= _CELL_SHARES
    return [best]
