"""Curves of several runs in one figure."""

from collections.abc import Mapping

import numpy as np

from experiments.report.need_measures import Need
from experiments.report.token_axis import bars, label_tokens, png_bytes, shortened, style
from policies.evaluation_figures import new_picture


def draw_runs(needs: Mapping[str, Need]) -> bytes:
    """Return accuracy against tokens with intervals, saturation points ringed.

    Args:
        needs: of the runs, by name, in the order of the legend.
    """
    figure, axes = new_picture((8.6, max(4.4, 1.5 + 0.25 * len(needs))))
    for i, (name, need) in enumerate(needs.items()):
        colour, marker, line = style(i)
        values, reach = bars(need.means, need.n)
        axes.errorbar(
            need.tokens,
            values,
            yerr=reach,
            color=colour,
            marker=marker,
            linestyle=line,
            ms=5,
            capsize=3,
            lw=1.8,
            label=shortened(name),
        )
        if need.any_right:
            at = need.saturation.rung
            axes.plot(
                need.tokens[at], values[at], "o", ms=13, mfc="none", mec=colour, mew=1.6, zorder=4
            )
    label_tokens(
        axes, np.unique(np.concatenate([need.tokens for need in needs.values()])), short=True
    )  # ticks of many ladders need room
    axes.set_xlabel("visual tokens per sample (log axis)")
    axes.set_ylabel("accuracy, %")
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, handlelength=3.2
    )
    return png_bytes(figure)
