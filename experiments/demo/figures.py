"""The demo's pictures: the frontier, and examples with their chosen scale."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.demo.flow import Demo
from experiments.scenes.sheet import draw_sheet
from policies.rung_means import rung_means

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = {
    "fixed scales, random mix": ("#777777", "-", "o"),
    "per-group fixed": ("#b07aa1", "--", ""),
    "LightGBM policy": ("#e15759", "-", ""),
    "oracle, stable": ("#4e79a7", "-", ""),
    "oracle, any correct": ("#4e79a7", ":", ""),
}


def draw_frontier(demo: Demo, path: Path) -> None:
    """Write accuracy against mean visual tokens, with the policy's three prices marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.2, 4.5), layout="constrained")
    rungs = rung_means(demo.curves.num_visual_tokens)
    full = rungs[-1]
    for name, frontier in demo.frontiers.items():
        colour, line, marker = _STYLES[name]
        costs = np.append(frontier.costs, full)
        scores = np.append(frontier.scores, frontier.scores[-1])
        axes.plot(
            costs, 100 * scores, line, color=colour, marker=marker, markersize=5, label=name, lw=1.8
        )
    _mark_prices(axes, demo)
    axes.set_xscale("log")
    axes.set_xticks(rungs.tolist(), [f"{tokens:.0f}" for tokens in rungs])
    axes.minorticks_off()
    axes.set_xlabel("mean visual tokens per image (log)")
    axes.set_ylabel("accuracy on held-out questions, %")
    axes.set_title(f"{len(demo.answers):,} test questions", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _mark_prices(axes: "Axes", demo: Demo) -> None:
    for row in demo.rows:
        if row.name.startswith("policy"):
            y = 100 * row.accuracy
            error = [[y - 100 * row.low], [100 * row.high - y]]
            axes.errorbar(row.mean_tokens, y, yerr=error, fmt="s", ms=6, color="#e15759", lw=1.2)
            axes.annotate(
                row.name.split(", ")[1],
                (row.mean_tokens, y),
                xytext=(6, -12),
                textcoords="offset points",
                fontsize=8,
                color="#e15759",
            )


def draw_examples(demo: Demo, path: Path, *, per_scale: int = 4) -> None:
    """Write test pictures by the scale that the policy chose for them."""
    pixels, captions = [], []
    chosen = np.array([answer.rung for answer in demo.answers])
    for rung, scale in enumerate(demo.curves.scales):
        for index in np.flatnonzero(chosen == rung)[:per_scale].tolist():
            row, answer = demo.test[index], demo.answers[index]
            right = demo.curves.scores[index] > 0.5
            needed = [s for s, ok in zip(demo.curves.scales, right, strict=True) if ok]
            pixels.append(np.asarray(row["image"].convert("RGB")))
            captions.append(
                [
                    row["question"],
                    f"chose {scale} tokens: {answer.text} (truth {row['answers'][0]})",
                    f"right at {', '.join(map(str, needed)) or 'no scale'}",
                ]
            )
    draw_sheet(pixels, captions, columns=per_scale).save(path)
