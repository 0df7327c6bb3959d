"""The picture of a study: how much of the gap so many labels close."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from policies.evaluation_figures import new_picture, write_picture
from policies.label_counts import LabelRow


def draw_labels(rows: Sequence[LabelRow], path: Path) -> None:
    """Write the gap closed against the number of labels, every draw as a dot.

    Args:
        rows: what each number of labels closes, rising.
        path: the PNG.
    """
    figure, axes = new_picture((6.4, 4.2))
    labels = np.array([row.labels for row in rows])
    low, high = (100 * np.array([row.closed.stable_95[end] for row in rows]) for end in (0, 1))
    axes.fill_between(labels, low, high, color="#D55E00", alpha=0.18, lw=0, label="95 %")
    closed = [100 * row.closed.stable for row in rows]
    axes.plot(labels, closed, "o-", color="#D55E00", lw=2, label="policy, mean of the draws")
    draws = [(row.labels, 100 * value) for row in rows for value in row.draws]
    axes.plot(*zip(*draws, strict=True), "x", color="#555555", ms=5, label="each draw of labels")
    grouped = [100 * row.per_group.stable for row in rows]
    axes.plot(labels, grouped, "s--", color="#56B4E9", lw=1.6, label="one fixed scale per group")
    axes.set_xscale("log")
    axes.set_xticks(labels, [f"{count:,}" for count in labels])
    axes.minorticks_off()
    axes.set_xlabel("labels that were fitted on (log axis)")
    axes.set_ylabel("gap to the oracle without luck closed, %")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9)
    write_picture(figure, path)
