"""What a question names, looked up in the picture: how large and how fine the named colour is."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from policies.colours import named_colours
from policies.image_features import colour_components
from policies.raster import FINE, SIDE, Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

Features = dict[str, float]
# Grids on which the named colour may or may not be the main one of the cells it lies in.
_SEEN_SIDES = (2, 3, 6, 12, 24)


def joint_features(raster: Raster, question: str) -> Features:
    """Return what the question's colours look like in the picture, always the same names.

    Of several named colours the one with the smallest share counts: it is the hardest to see. All
    are 0 if the question names no colour.
    """
    found = dict.fromkeys(joint_feature_names(), 0.0)
    named = named_colours(question)
    if not named:
        return found
    shares = raster.colour_table.sum(axis=(0, 1))[named] / SIDE**2
    rarest = named[int(shares.argmin())]
    found["named_colours"] = float(len(named))
    found["named_share"] = float(shares.min())
    found["named_share_all"] = float(shares.sum())
    found |= _grain(raster, rarest)
    for side, share in _seen(raster.colour_table[..., rarest]).items():
        found[f"named_seen_{side}"] = share
    return found


@functools.cache
def joint_feature_names() -> tuple[str, ...]:
    """Return the names of the joint features in order."""
    grain = ("areas", "area_size", "run_rows", "run_columns", "blocks", "largest_cell")
    return (
        "named_colours",
        "named_share",
        "named_share_all",
        *(f"named_{name}" for name in grain),
        *(f"named_seen_{side}" for side in _SEEN_SIDES),
    )


def _grain(raster: Raster, colour: int) -> Features:
    """Return number and size of a colour's areas; runs in pixels of the raster."""
    mask = raster.labels == colour
    pixels = float(np.count_nonzero(mask))
    areas = max(colour_components(raster)[colour], 1.0)
    table = raster.colour_table[..., colour]
    cells = table.reshape(FINE // 4, 4, FINE // 4, 4).sum(axis=(1, 3))
    return {
        "named_areas": areas if pixels else 0.0,
        "named_area_size": pixels / areas,
        "named_run_rows": pixels / max(_run_starts(mask), 1),
        "named_run_columns": pixels / max(_run_starts(mask.T), 1),
        "named_blocks": float(np.count_nonzero(table >= 8)),
        "named_largest_cell": float(cells.max()) / (SIDE // 6) ** 2,
    }


def _run_starts(mask: "NDArray[np.bool_]") -> int:
    """Count the runs of True along the rows."""
    inside = np.count_nonzero(mask[:, 1:] & ~mask[:, :-1])
    return int(inside + np.count_nonzero(mask[:, 0]))


def _seen(table: "NDArray[np.int64]") -> dict[int, float]:
    """Return, per grid, the share of a colour's pixels in cells that it fills by half or more.

    Args:
        table: pixels of the colour in each 4 x 4 block, shape [24, 24].
    """
    total = table.sum()
    shares = {}
    for side in _SEEN_SIDES:
        step = FINE // side
        cells = table.reshape(side, step, side, step).sum(axis=(1, 3))
        half = (SIDE // side) ** 2 / 2
        shares[side] = float(cells[cells >= half].sum() / total) if total else 0.0
    return shares
