"""How much fine detail pictures hold: what coarse grids lose, edges, strokes, sizes of things."""

import numpy as np
from numpy.typing import NDArray

from policies.colours import NUM_HUES
from policies.columns import Grids, Table, count, flat, share_over, table_of
from policies.pooling import COARSER, FINE, cells_of, grid_starts
from policies.raster import PLANES, Rasters, mean_squares
from policies.things import PERCENT, Things, height_quantiles

# Grid sides at which lost detail is measured; token grids of common ladders are among them.
SIDES = (*COARSER, FINE, 48)
_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")
_EDGE_SIDES = (48, FINE, 12)
_STRONG = 50  # grey levels between neighbours that make a strong edge
_STROKE = 30  # grey levels that a stroke stands out from both its sides
_OCTAVES = np.diff(np.log2(SIDES)) / np.log2(SIDES[-1])

DETAIL_NAMES = (
    *(f"lost_colour_{side}" for side in SIDES[1:]),
    *(f"lost_saturation_{side}" for side in SIDES[1:]),
    "fineness_colour",
    "fineness_saturation",
    *(f"{kind}_{side}" for side in _EDGE_SIDES for kind in ("edges", "strong_edges")),
    "strokes_rows",
    "strokes_columns",
    "strokes_both",
    "things",
    *(f"thing_height_{percent}" for percent in PERCENT),
)


def detail_features(rasters: Rasters, things: Things) -> Table:
    """Return the features of fine detail, in the columns of ``DETAIL_NAMES``."""
    tables = [
        _lost_detail(rasters),
        *(_edges(grids) for grids in _luma_grids(rasters)),
        _strokes(rasters.planes[:, _LUMA]),
        *_heights(things, len(rasters.labels)),
    ]
    return np.concatenate(tables, axis=1)


def _lost_detail(rasters: Rasters) -> Table:
    """Share of the variance that averaging onto each grid destroys.

    By the law of total variance this is the variance inside the grid's cells over the whole; 0 for
    a flat plane. Once for colour (three channels together) and once for saturation, which textured
    gray backgrounds do not fill. ``fineness`` is its mean over the logarithm of the grid's side.
    """
    squares = _squares(rasters) - np.square(rasters.means)[..., None]
    kept = np.stack([squares[:, :3].sum(axis=1), squares[:, _SATURATION]], axis=1)
    variances = rasters.variances
    whole = table_of(variances[:, :3].sum(axis=1), variances[:, _SATURATION])[..., None]
    shares = np.maximum(whole - kept, 0.0) / np.maximum(whole, 0.5) * (whole > 0.5)
    return np.concatenate([flat(shares), shares @ _OCTAVES], axis=1)


def _squares(rasters: Rasters) -> NDArray[np.float64]:
    """Return the mean square of every plane on each grid of ``SIDES`` but the first, [n, 5, 8]."""
    cells = np.square(rasters.coarser, dtype=np.float64)
    sums = np.add.reduceat(cells, grid_starts(), axis=2) / np.square(COARSER)
    finer = [mean_squares(rasters.fine)[..., None], mean_squares(rasters.middle)[..., None]]
    return np.concatenate([sums[..., 1:], *finer], axis=2)


def _luma_grids(rasters: Rasters) -> tuple[Grids, ...]:
    """Return the luminance on the grids of ``_EDGE_SIDES``."""
    coarse = cells_of(rasters.coarser[:, _LUMA], 12).reshape(-1, 12, 12)
    return rasters.middle[:, _LUMA], rasters.fine[:, _LUMA], coarse


def _edges(luma: Grids) -> Table:
    """Mean luminance step between neighbours, and the share of strong ones."""
    across = flat(luma[:, :, 1:] - luma[:, :, :-1])
    down = flat(luma[:, 1:] - luma[:, :-1])
    steps = np.abs(np.concatenate([across, down], axis=1))
    return table_of(steps.sum(axis=1) / steps.shape[1], share_over(steps, _STRONG))


def _strokes(luma: Grids) -> Table:
    """Share of the pixels on thin lines, as text has them: darker or brighter than both sides."""
    across = _stands_out(luma[:, :, 1:-1], luma[:, :, :-2], luma[:, :, 2:])
    down = _stands_out(luma[:, 1:-1], luma[:, :-2], luma[:, 2:])
    both = across[:, 1:-1] & down[:, :, 1:-1]
    return table_of(*(count(strokes) / strokes[0].size for strokes in (across, down, both)))


def _stands_out(middle: Grids, one: Grids, other: Grids) -> Grids:
    low, high = np.minimum(one, other), np.maximum(one, other)
    return (np.maximum(middle, high) - high > _STROKE) | (low - np.minimum(middle, low) > _STROKE)


def _heights(things: Things, num_pictures: int) -> tuple[Table, Table]:
    """How many things with a hue there are, and how high those that their pixels belong to."""
    hues = things.colour < NUM_HUES
    number = table_of(np.bincount(things.picture, hues, num_pictures))
    return number, height_quantiles(things, things.pixels * hues, num_pictures)
