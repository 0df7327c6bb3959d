"""What questions name, looked up in the pictures: how large and how fine the named colour is."""

from collections.abc import Sequence

import numpy as np

from policies.colours import COLOUR_NAMES, named_colours
from policies.columns import Grids, Table, table_of
from policies.pooling import COARSER, FINE, block_sums, cells_of, coarser_sums
from policies.raster import Rasters
from policies.things import PERCENT, Things, height_quantiles

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


def joint_features(rasters: Rasters, things: Things, questions: Sequence[str]) -> Table:
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
    tables = [
        *_shares(rasters, things, wanted, rarest),
        _best_cells(rasters.thinned, rarest),
    ]
    return np.concatenate(tables, axis=1) * asked


def _shares(rasters: Rasters, things: Things, wanted: Grids, colours: Grids) -> tuple[Table, Table]:
    """Return share and pieces of one colour per picture, and how high they are, by pixels.

    Args:
        rasters: n pictures.
        things: what was found in them.
        wanted: which colours are named, shape [n, 12].
        colours: the one that counts, shape [n].
    """
    pixels, num_pictures = rasters.thinned[0].size, len(colours)
    share = rasters.counts[np.arange(num_pictures), colours] / pixels
    chosen = things.colour == colours[things.picture]
    pieces = np.bincount(things.picture, chosen, num_pictures)
    size = rasters.labels[0].size * share / np.maximum(pieces, 1)
    share_all = (rasters.counts * wanted).sum(axis=1) / pixels
    heights = height_quantiles(things, things.pixels * chosen, num_pictures)
    return table_of(wanted.sum(axis=1), share, share_all, pieces, size), heights


def _best_cells(labels: Grids, colours: Grids) -> Table:
    """Return, per grid of ``_SIDES``, the share that a colour has of its best cell, [n, 7].

    Args:
        labels: basic colour of each pixel, shape [n, 48, 48].
        colours: one per picture, shape [n].
    """
    masks = labels == colours[:, None, None].astype(np.uint8)
    fine = block_sums(masks, labels.shape[1] // FINE, np.uint8).astype(np.float32)
    sums = coarser_sums(fine)
    best = [cells_of(sums, side).max(axis=1) for side in _SIDES[:-1]]
    shares: Table = table_of(*best, fine.max(axis=(1, 2))) * np.square(_SIDES) / labels[0].size
    return shares
