"""The picture of going up: accuracy against the FLOPs that were really spent."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.escalate.summary import Point
from experiments.escalate.ways import ANEW, BEFORE, FIXED, KEPT
from policies.evaluation_figures import new_picture, write_picture

_STYLES = {
    FIXED: ("#555555", "-", "o", "fixed scales"),
    BEFORE: ("#0072B2", "--", "s", "chosen before any answer"),
    ANEW: ("#E69F00", "-.", "^", "going up"),
    KEPT: ("#D55E00", "-", "D", "going up, cache kept"),
}


def draw_points(points: Sequence[Point], title: str, path: Path) -> None:
    """Write accuracy with 95 % intervals against FLOPs over those of the full scale.

    Args:
        points: of all ways.
        title: above the picture.
        path: the PNG.
    """
    figure, axes = new_picture((7.4, 4.6))
    for way, (colour, line, marker, label) in _STYLES.items():
        own = [point for point in points if point.way == way]
        if not own:
            continue
        values = np.array([[p.accuracy[0], p.accuracy[1].low, p.accuracy[1].high] for p in own])
        axes.errorbar(
            [100 * p.flops[0] for p in own],
            100 * values[:, 0],
            yerr=100 * np.abs(values[:, 1:] - values[:, :1]).T,
            color=colour,
            linestyle=line,
            marker=marker,
            ms=4.5,
            lw=1.6,
            elinewidth=0.8,
            capsize=2,
            label=label,
        )
    axes.set_xlabel("FLOPs really spent, all answers and the vision encoder, % of the full scale's")
    axes.set_ylabel("accuracy on held-out samples, %")
    axes.set_title(title, fontsize=10, loc="left")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    write_picture(figure, path)
