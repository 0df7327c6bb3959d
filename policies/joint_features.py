"""What questions name, looked up in the pictures: how large and how fine the named colour is."""

from collections.abc import Sequence

import numpy as np

from policies.colours import COLOUR_NAMES, named_colours
from policies.columns import Grids, Table, count, flat, table_of
from policies.heights import PERCENT, Runs, height_quantiles
from policies.pooling import COARSER, FINE, block_sums, coarser_sums, grid_starts
from policies.raster import SIDE, Rasters

# Grids on which the named colour may or may not be the main one of the cells it lies in.
_SIDES = (*COARSER[1:], FINE)

JOINT_NAMES = (
    "named_colours",
    "named_share",
    "named_share_all",
    "named_pieces",
    "named_piece_size",
    *(f"named_height_{percent}" for percent in PERCENT),
    *(f"named_best_{side}" for side in _SIDES),
)


def joint_features(rasters: Rasters, runs: Runs, questions: Sequence[str]) -> Table:
    """Return what the questions' colours look like in the pictures, in ``JOINT_NAMES``.

    Of several named colours the one with the smallest share counts: it is the hardest to see. All
    are 0 for a question that names no colour.
    """
    wanted = np.zeros((len(questions), len(COLOUR_NAMES)), dtype=bool)
    for row, question in zip(wanted, questions, strict=True):
        row[named_colours(question)] = True
    asked = wanted.any(axis=1, keepdims=True)
    if not asked.any():
        return np.zeros((len(questions), len(JOINT_NAMES)))
    rarest = np.where(wanted, rasters.counts, rasters.thinned[0].size + 1).argmin(axis=1)
    masks = rasters.thinned == rarest[:, None, None].astype(np.uint8)
    tables = [
        _pieces(rasters.counts, masks, wanted, rarest),
        height_quantiles(runs, runs.colour == rarest[runs.picture], len(rarest)),
        _best_cells(masks),
    ]
    return np.concatenate(tables, axis=1) * asked


def _pieces(counts: Grids, masks: Grids, wanted: Grids, colours: Grids) -> Table:
    """Return how many colours are named, and share, number and size of the areas of one of them.

    Args:
        counts: pixels of each colour, shape [n, 12].
        masks: where the one is, shape [n, 48, 48].
        wanted: which colours are named, shape [n, 12].
        colours: the one that counts, shape [n].
    """
    pixels = counts[np.arange(len(colours)), colours]
    across, down = masks[:, :, 1:] & masks[:, :, :-1], masks[:, 1:] & masks[:, :-1]
    # The Euler number, exact where areas have no holes.
    areas = pixels - count(across) - count(down) + count(across[:, 1:] & across[:, :-1])
    share, share_all = pixels / masks[0].size, (counts * wanted).sum(axis=1) / masks[0].size
    size = SIDE**2 * share / np.maximum(areas, 1)
    return table_of(wanted.sum(axis=1), share, share_all, areas, size)


def _best_cells(masks: Grids) -> Table:
    """Return, per grid of ``_SIDES``, how full the fullest cell of masks [n, 48, 48] is, [n, 7]."""
    fine = block_sums(masks, masks.shape[1] // FINE, np.uint8).astype(np.float32)
    best = np.maximum.reduceat(coarser_sums(fine), grid_starts(), axis=1)
    fullest = np.concatenate([best[:, 1:], flat(fine).max(axis=1, keepdims=True)], axis=1)
    shares: Table = fullest * (np.square(_SIDES) / masks[0].size)
    return shares
