"""Cheap numbers that say how much fine detail a picture holds, from numpy and PIL alone."""

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from policies.colours import COLOUR_NAMES
from policies.raster import SIDE, SIDES, FloatGrid, Raster, halve, make_raster, mean_squares

if TYPE_CHECKING:
    from PIL.Image import Image

Features = dict[str, float]


def image_features(image: "Image") -> Features:
    """Return the features of one picture by name, always the same names in the same order."""
    return raster_features(make_raster(image))


@functools.cache
def image_feature_names() -> tuple[str, ...]:
    """Return the names of the image features in order."""
    from PIL import Image

    return tuple(image_features(Image.new("RGB", (SIDE, SIDE))))


def raster_features(raster: Raster) -> Features:
    """Return the features of a picture that is already on the raster."""
    return {
        **_size(raster),
        **_colour_statistics(raster),
        **_lost_detail(raster),
        **_edges(raster),
        **_small_things(raster),
        **_colour_areas(raster),
    }


def _size(raster: Raster) -> Features:
    width, height = raster.width, raster.height
    return {
        "width": float(width),
        "height": float(height),
        "log_area": math.log(width * height),
        "log_aspect": math.log(width / height),
    }


def _colour_statistics(raster: Raster) -> Features:
    """Mean and spread of every plane, colourfulness (Hasler and Suesstrunk), saturation shares."""
    mean, spread = raster.means, np.sqrt(raster.variances)
    red, green, blue = raster.pooled[48][:3]
    red_green = red - green
    yellow_blue = (red + green) / 2 - blue
    deviation = math.hypot(float(red_green.std()), float(yellow_blue.std()))
    distance = math.hypot(float(red_green.mean()), float(yellow_blue.mean()))
    found = {"colourfulness": deviation + 0.3 * distance}
    for i, name in enumerate(("red", "green", "blue", "luma", "saturation")):
        found[f"{name}_mean"], found[f"{name}_std"] = float(mean[i]), float(spread[i])
    for threshold in (40, 80, 140):
        found[f"saturated_{threshold}"] = (
            float(np.count_nonzero(raster.planes[4] > threshold)) / SIDE**2
        )
    return found


def _lost_detail(raster: Raster) -> Features:
    """Share of the variance that averaging onto each grid destroys.

    By the law of total variance this is the variance inside the grid's cells over the whole; 0 for
    a flat plane. Once for colour (three channels together) and once for saturation, which textured
    gray backgrounds do not fill.
    """
    variance = raster.variances
    found = {}
    for side in SIDES[1:]:
        kept = mean_squares(raster.pooled[side]) - raster.means**2
        lost = np.maximum(variance - kept, 0.0)
        found[f"lost_colour_{side}"] = _share(lost[:3].sum(), variance[:3].sum())
        if side in (3, 6, 12, 24):
            found[f"lost_saturation_{side}"] = _share(lost[4], variance[4])
    return found


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0.5 else 0.0


def _edges(raster: Raster) -> Features:
    """Luminance steps between neighbours at three scales, along rows and along columns."""
    found = {}
    for side, grid in ((SIDE, raster.planes), (48, raster.pooled[48]), (24, raster.pooled[24])):
        luma = grid[3]
        across, down = np.abs(np.diff(luma, axis=1)), np.abs(np.diff(luma, axis=0))
        found[f"edge_rows_{side}"] = float(across.mean())
        found[f"edge_columns_{side}"] = float(down.mean())
        for threshold in (15, 50):
            strong = np.count_nonzero(across > threshold) + np.count_nonzero(down > threshold)
            found[f"edge_over_{threshold}_{side}"] = strong / (across.size + down.size)
    return found


def _small_things(raster: Raster) -> Features:
    """How many separate things there may be, and whether they look like strokes of text."""
    luma = raster.planes[3]
    busy = np.sqrt(np.maximum(halve(luma * luma, 8) - np.square(halve(luma, 8)), 0.0))
    coarse = np.sort(halve(busy).ravel())
    bend_rows = np.abs(luma[:, 2:] + luma[:, :-2] - 2 * luma[:, 1:-1])
    bend_columns = np.abs(luma[2:] + luma[:-2] - 2 * luma[1:-1])
    strokes = (bend_rows[1:-1] > 60) & (bend_columns[:, 1:-1] > 60)
    level = raster.pooled[48][3]
    above = level > level.mean()
    return {
        "busy_blocks_10": _share_over(busy, 10),
        "busy_blocks_30": _share_over(busy, 30),
        "busy_mean": float(busy.mean()),
        "busy_6_low": float(coarse[9]),
        "busy_6_middle": float(coarse[18]),
        "busy_6_high": float(coarse[27]),
        "busy_6_most": float(coarse[-1]),
        "strokes_rows": _share_over(bend_rows, 60),
        "strokes_columns": _share_over(bend_columns, 60),
        "strokes_both": np.count_nonzero(strokes) / strokes.size,
        "crossings_rows": float(np.count_nonzero(above[:, 1:] != above[:, :-1])),
        "crossings_columns": float(np.count_nonzero(above[1:] != above[:-1])),
        "peaks_luma": _count_peaks(raster.pooled[24][3], 8.0),
        "peaks_saturation": _count_peaks(raster.pooled[24][4], 8.0),
        "peaks_busy": _count_peaks(busy, 5.0),
    }


def _share_over(grid: FloatGrid, threshold: float) -> float:
    return np.count_nonzero(grid > threshold) / grid.size


def _count_peaks(grid: FloatGrid, rise: float) -> float:
    """Count inner cells that exceed their eight neighbours' mean by ``rise`` and no less than four.

    The four are the neighbours above, below, left and right.
    """
    middle = grid[1:-1, 1:-1]
    left, right = grid[1:-1, :-2], grid[1:-1, 2:]
    above, below = grid[:-2, 1:-1], grid[2:, 1:-1]
    beside = left + right
    mean = (beside + above + below) / 4
    peak = (middle > mean + rise) & (middle >= np.maximum(left, right))
    return float(np.count_nonzero(peak & (middle >= np.maximum(above, below))))


def _colour_areas(raster: Raster) -> Features:
    """Share and number of connected areas of every basic colour, and how mixed colours are."""
    counts = raster.colour_table.sum(axis=(0, 1))
    areas = colour_components(raster)
    found = {}
    for i, name in enumerate(COLOUR_NAMES):
        found[f"{name}_share"] = float(counts[i]) / SIDE**2
        found[f"{name}_areas"] = areas[i]
    kinds = np.bincount(raster.cells.ravel(), minlength=4096)
    present = kinds[kinds > 0] / SIDE**2
    blocks = raster.colour_table
    vivid = counts[:9] > 12  # the colours with a hue
    return {
        **found,
        "hues_present": float(np.count_nonzero(vivid)),
        "hue_areas": float(sum(areas[:9])),
        "colour_entropy": float(-(present * np.log2(present)).sum()),
        "mixed_blocks": np.count_nonzero(blocks.max(axis=2) < 12) / blocks[..., 0].size,
        "run_length": _mean_run(raster),
    }


def _mean_run(raster: Raster) -> float:
    """Mean length in pixels of runs of one colour along rows and columns."""
    labels = raster.labels
    changes = np.count_nonzero(labels[:, 1:] != labels[:, :-1])
    changes += np.count_nonzero(labels[1:] != labels[:-1])
    return 2 * SIDE**2 / (changes + 2 * SIDE)


def colour_components(raster: Raster) -> list[float]:
    """Return, per colour, how many connected areas it has, holes subtracted.

    The Euler number: pixels less touching pairs plus full 2 x 2 squares, all of one colour, on
    every second pixel so that single noisy ones count less. Exact where areas have no holes.
    """
    labels = raster.labels[::2, ::2]
    across = labels[:, 1:] == labels[:, :-1]
    down = labels[1:] == labels[:-1]
    square = across[1:] & across[:-1] & down[:, 1:]
    num = len(COLOUR_NAMES)
    pixels = np.bincount(labels.ravel(), minlength=num)
    pairs = np.bincount(labels[:, 1:][across], minlength=num)
    pairs += np.bincount(labels[1:][down], minlength=num)
    squares = np.bincount(labels[1:, 1:][square], minlength=num)
    return [float(n) for n in pixels - pairs + squares]
