"""How much fine detail pictures hold: what coarse grids lose, edges, strokes, sizes of things."""

import numpy as np
from numpy.typing import NDArray

from policies.colours import NUM_HUES
from policies.columns import Grids, Table, counts, flat
from policies.heights import PERCENT, height_quantiles
from policies.pooling import COARSER, FINE, cells_of
from policies.raster import GRIDS, MIDDLE, PLANES, SIDE, Rasters

# Grid sides at which lost detail is measured; token grids of common ladders are among them.
SIDES = (*COARSER, FINE, MIDDLE)
_LUMA, _SATURATION = PLANES.index("luma"), PLANES.index("saturation")
_EDGE_SIDES = (MIDDLE, FINE, COARSER[-1])
# Steps from neighbour to neighbour of each of these grids, side by side in one row: those along
# rows, with one too many a row, then those along columns.
_NUM_STEPS = np.array([side**2 + side * (side - 1) for side in _EDGE_SIDES])
_STARTS = np.cumsum(_NUM_STEPS) - _NUM_STEPS
_PARTS = [slice(a, a + b) for a, b in zip(_STARTS.tolist(), _NUM_STEPS.tolist(), strict=True)]
_PAIRS = np.array([2 * side * (side - 1) for side in _EDGE_SIDES])  # of neighbours
_UNITS = np.array([SIDE**2 / MIDDLE**2, SIDE**2 / FINE**2, 1.0])  # of each grid, a grey level
_WHOLE = _PAIRS * _UNITS
_STRONG = 50  # grey levels between neighbours that make a strong edge
_THRESHOLDS = np.repeat(_STRONG * _UNITS, _NUM_STEPS).astype(np.float32)
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


def detail_features(rasters: Rasters, heights: NDArray[np.int64]) -> list[Grids]:
    """Return the features of fine detail, tables side by side in the columns of ``DETAIL_NAMES``.

    Args:
        rasters: n pictures.
        heights: of :func:`policies.heights.run_pixels`.
    """
    return [
        *_lost_detail(rasters.variances),
        *_edges(rasters),
        _strokes(rasters.planes[:, _LUMA]),
        height_quantiles(np.add.reduce(heights[:, :NUM_HUES], axis=1)),
    ]


def _lost_detail(variances: Table) -> list[Grids]:
    """Share of the variance that averaging onto each grid destroys.

    By the law of total variance this is the variance inside the grid's cells over the whole; 0 for
    a flat plane. Once for colour (three channels together) and once for saturation, which textured
    gray backgrounds do not fill. ``fineness`` is its mean over the logarithm of the grid's side.
    """
    kinds = np.empty((len(variances), 2, len(GRIDS)))
    np.add.reduce(variances[:, :3], axis=1, out=kinds[:, 0])
    kinds[:, 1] = variances[:, _SATURATION]
    whole, kept = kinds[..., :1], kinds[..., 1:]
    shares = np.maximum(whole - kept, 0.0) / np.maximum(whole, 0.5) * (whole > 0.5)
    return [flat(shares), shares @ _OCTAVES]


def _edges(rasters: Rasters) -> list[Grids]:
    """Mean luminance step between neighbours at three scales, and the share of strong ones."""
    coarse = cells_of(rasters.coarser[:, _LUMA], _EDGE_SIDES[-1])
    grids = (flat(rasters.middle[:, _LUMA]), flat(rasters.fine[:, _LUMA]), coarse)
    steps = np.empty((len(coarse), len(_THRESHOLDS)), dtype=np.float32)
    for luma, side, start in zip(grids, _EDGE_SIDES, _STARTS.tolist(), strict=True):
        below = start + side**2
        np.subtract(luma[:, 1:], luma[:, :-1], out=steps[:, start : below - 1])
        steps[:, start + side - 1 : below : side] = 0.0  # from a row's end to the next one's begin
        end = below + side**2 - side
        np.subtract(luma[:, side:], luma[:, :-side], out=steps[:, below:end])
    np.abs(steps, out=steps)
    # Whole numbers under 2 ** 24, so that sums of them are exact in float32.
    sums = np.add.reduceat(steps, _STARTS, axis=1) / _WHOLE
    strong = steps > _THRESHOLDS
    return [sums, counts(*(strong[:, part] for part in _PARTS)) / _PAIRS]


def _strokes(luma: NDArray[np.uint8]) -> Table:
    """Share of the pixels on thin lines, as text has them: darker or brighter than both sides."""
    num, levels = len(luma), flat(luma).astype(np.int16)
    across = np.empty((num, SIDE, SIDE), dtype=bool)
    steps = levels[:, 1:] - levels[:, :-1]
    bends = steps[:, 1:] - steps[:, :-1]
    np.greater(np.abs(bends, out=bends), 2 * _STROKE, out=flat(across)[:, 1:-1])
    across[:, :, :: SIDE - 1] = False  # a row's ends have but one side
    steps = levels[:, SIDE:] - levels[:, :-SIDE]
    bends = steps[:, SIDE:] - steps[:, :-SIDE]
    down = (np.abs(bends, out=bends) > 2 * _STROKE).reshape(num, SIDE - 2, SIDE)
    return counts(across, down, across[:, 1:-1] & down) / (SIDE - 2.0) ** 2
