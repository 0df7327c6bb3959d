"""This dataset's curve among published ones, relative to the best of each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.need_measures import Need
from experiments.report.token_axis import bars, label_tokens, png_bytes, style
from policies.evaluation_figures import new_picture

if TYPE_CHECKING:
    from experiments.report.published import Likeness

_NEAREST = 3


def draw_published(need: Need, likeness: Sequence["Likeness"]) -> bytes:
    """Return relative accuracy against tokens, the nearest published curves in colour.

    Args:
        need: of this dataset.
        likeness: to every published curve, the nearest first.
    """
    figure, axes = new_picture((8.6, 4.6))
    coloured = [each for each in likeness if each.distance is not None][:_NEAREST]
    others = [each for each in likeness if each not in coloured]
    for i, each in enumerate(others):
        other = each.other
        axes.plot(
            other.tokens,
            100 * other.scores / other.scores.max(),
            color="#BBBBBB",
            lw=0.9,
            label=f"{len(others)} other published curves" if not i else None,
        )
    for i, each in enumerate(coloured):
        other, (colour, marker, line) = each.other, style(i + 1)
        axes.plot(
            other.tokens,
            100 * other.scores / other.scores.max(),
            color=colour,
            marker=marker,
            linestyle=line,
            ms=4.5,
            lw=1.6,
            label=f"{other.benchmark}\n({other.model})",
        )
    best = max(float(need.means.max()), 1e-9)
    values, reach = bars(need.means, need.n)
    axes.errorbar(
        need.tokens,
        values / best,
        yerr=reach / best,
        fmt="o-",
        color=style(0)[0],
        ms=5.5,
        capsize=3,
        lw=2.4,
        label="this dataset (95 %)",
        zorder=4,
    )
    ends = [need.tokens, *(each.other.tokens for each in likeness)]
    ticks = np.unique(np.concatenate([*ends[1:], [ends[0].min(), ends[0].max()]]))
    label_tokens(axes, ticks)
    axes.set_ylabel("accuracy, % of the curve's best")
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, handlelength=3
    )
    return png_bytes(figure)
