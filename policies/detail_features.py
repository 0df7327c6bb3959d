"""How much fine detail pictures hold: what coarse grids lose, edges, strokes, sizes of things."""

import numpy as np
from numpy.typing import NDArray

from policies.colours import NUM_HUES
from policies.columns import Grids, Table, count, flat, table_of
from policies.heights import PERCENT, Runs, height_quantiles
from policies.pooling import COARSER, FINE, cells_of, grid_starts
from policies.raster import PLANES, SIDE, Rasters, mean_squares

# Grid sides at which lost detail is measured; token grids of common ladders are among them.
SIDES = (*COARSER, FINE, 48)
_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")
_EDGE_SIDES = (48, FINE, 12)
_PAIRS = np.array([side * (side - 1) for side in _EDGE_SIDES])  # of neighbours in one direction
_STRONG = 50  # grey levels between neighbours that make a strong edge
_STROKE = 30  # grey levels that a stroke stands out from the mean of its two sides
_OCTAVES = np.diff(np.log2(SIDES)) / np.log2(SIDES[-1])

DETAIL_NAMES = (
    *(f"lost_colour_{side}" for side in SIDES[1:]),
    *(f"lost_saturation_{side}" for side in SIDES[1:]),
    "fineness_colour",
    "fineness_saturation",
    *(f"{kind}_{side}" for kind in ("edges", "strong_edges") for side in _EDGE_SIDES),
    "strokes_rows",
    "strokes_columns",
    "strokes_both",
    *(f"height_{percent}" for percent in PERCENT),
)


def detail_features(rasters: Rasters, runs: Runs) -> Table:
    """Return the features of fine detail, in the columns of ``DETAIL_NAMES``."""
    tables = [
        _lost_detail(rasters),
        _edges(rasters),
        _strokes(rasters.planes[:, _LUMA]),
        height_quantiles(runs, runs.colour < NUM_HUES, len(rasters.labels)),
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


def _edges(rasters: Rasters) -> Table:
    """Mean luminance step between neighbours at three scales, and the share of strong ones."""
    coarse = cells_of(rasters.coarser[:, _LUMA], 12).reshape(-1, 12, 12)
    steps: list[Grids] = []
    for luma in (rasters.middle[:, _LUMA], rasters.fine[:, _LUMA], coarse):
        steps += [flat(luma[:, :, 1:] - luma[:, :, :-1]), flat(luma[:, 1:] - luma[:, :-1])]
    every = np.abs(np.concatenate(steps, axis=1))
    numbers = 2 * _PAIRS
    starts = np.cumsum(numbers) - numbers
    sums = np.add.reduceat(every, starts, axis=1, dtype=np.float64)
    strong = np.add.reduceat(every > _STRONG, starts, axis=1, dtype=np.float64)
    return np.concatenate([sums / numbers, strong / numbers], axis=1)


def _strokes(luma: Grids) -> Table:
    """Share of the pixels on thin lines, as text has them: darker or brighter than both sides."""
    levels = luma.astype(np.int16)
    twice = 2 * levels
    across = np.abs(twice[:, :, 1:-1] - levels[:, :, :-2] - levels[:, :, 2:]) > 2 * _STROKE
    down = np.abs(twice[:, 1:-1] - levels[:, :-2] - levels[:, 2:]) > 2 * _STROKE
    both = across[:, 1:-1] & down[:, :, 1:-1]
    return table_of(*(count(strokes) / (SIDE - 2) ** 2 for strokes in (across, down, both)))
