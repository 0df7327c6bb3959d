"""Figures of how many tokens a dataset needs."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.report.need_measures import FEW, Need
from experiments.report.phrases import number, tokens_in_words
from experiments.report.token_axis import COLOURS, GREY, bars, label_tokens, legend_above, png_bytes
from oracle.sufficient import Sufficient
from policies.evaluation_figures import new_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_accuracy(need: Need, tolerance_points: float) -> bytes:
    """Return accuracy against tokens with intervals, the saturation point marked."""
    figure, axes = new_picture((7.2, 4.4))
    values, reach = bars(need.means, need.n)
    best = float(values.max())
    axes.axhspan(
        best - tolerance_points,
        best,
        color="#F0E442",
        alpha=0.45,
        lw=0,
        label=f"best scale and {tolerance_points:g} below it",
    )
    axes.errorbar(
        need.tokens,
        values,
        yerr=reach,
        fmt="o-",
        color=COLOURS[0],
        ms=5,
        capsize=3,
        lw=1.8,
        label="accuracy (95 %)",
        zorder=3,
    )
    if need.any_right:
        _mark_saturation(axes, need)
    label_tokens(axes, need.tokens)
    axes.set_ylabel("accuracy, %")
    legend_above(axes, 2)
    return png_bytes(figure)


def _mark_saturation(axes: "Axes", need: Need) -> None:
    at, tokens = need.saturation, need.tokens
    axes.axvline(
        tokens[at.rung],
        color=COLOURS[1],
        linestyle=(0, (5, 1.5)),
        lw=1.6,
        label=f"saturation point, {tokens_in_words(tokens[at.rung])}",
    )
    if at.low != at.high and need.n >= FEW:
        name = f"its interval, {number(tokens[at.low])} to {number(tokens[at.high])}"
        axes.axvspan(
            tokens[at.low], tokens[at.high], color=COLOURS[1], alpha=0.12, lw=0, label=name
        )


def draw_sufficient(need: Need, stable: Sufficient, first: Sufficient) -> bytes:
    """Return the share of samples that needs each scale, by both rules, unsolved apart."""
    k = len(need.tokens)
    figure, axes = new_picture((max(7.2, 1.0 + 0.75 * k), 4.0))
    rules = (
        (stable, "stable rule", "", COLOURS[0]),
        (first, "first-correct rule", "//", "#E69F00"),
    )
    at = np.append(np.arange(k), k + 0.4)
    for shift, (found, name, hatch, colour) in zip((-0.2, 0.2), rules, strict=True):
        shares = 100 * np.array([*found.shares, found.unsolved])
        axes.bar(
            at + shift,
            shares[:, 0],
            0.38,
            yerr=np.abs(shares[:, 1:] - shares[:, :1]).T,
            capsize=3,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            error_kw={"lw": 1, "ecolor": "#333333"},
            label=name,
        )
    axes.axvline(k - 0.3, color=GREY, lw=1, linestyle=(0, (1, 1.2)))
    axes.set_xticks(at, [*(number(tokens) for tokens in need.tokens), "unsolved"])
    axes.set_xlabel("fewest visual tokens that suffice")
    axes.set_ylabel("share of samples, % (95 %)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25, axis="y")
    axes.set_axisbelow(True)
    legend_above(axes, 2)
    return png_bytes(figure)
