"""Small panels of accuracy against tokens, one a group."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.group_measures import GroupNeed, figure_parts
from experiments.report.phrases import count
from experiments.report.token_axis import (
    COLOURS,
    GREY,
    axis_tokens,
    bars,
    label_tokens,
    panels,
    png_bytes,
    shortened,
)
from oracle.curves import Curves
from policies.hull import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 4


def draw_groups(curves: Curves, groups: Sequence[GroupNeed]) -> bytes:
    """Return accuracy against tokens in every group, with all samples in grey behind.

    Args:
        curves: with the groups.
        groups: in the order in which they are shown.
    """
    from matplotlib.figure import Figure

    parts = figure_parts(curves, [group.name for group in groups])
    needs = {group.name: group.need for group in groups}
    rows, columns = panels(len(parts), _COLUMNS)
    size = (max(5.0, 2.7 * columns), 0.6 + 2.1 * rows)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    tokens = axis_tokens(curves)
    for axes, (name, own) in zip(grid.ravel(), parts, strict=False):
        axes.plot(tokens, 100 * curves.scores.mean(axis=0), color=GREY, lw=1, linestyle=(0, (4, 2)))
        _panel(axes, curves.select(own))
        label_tokens(axes, tokens, short=True)
        title = f"{shortened(name)}\n{count(int(own.sum()), 'sample')}"
        axes.set_title(title, fontsize=9)
        if name in needs and needs[name].any_right:
            _mark(axes, needs[name].tokens, needs[name].saturation.rung)
    _hide_empty(grid, len(parts))
    figure.supxlabel("visual tokens per sample (log axis)", fontsize=10)
    figure.supylabel("accuracy, % (95 %)", fontsize=10)
    return png_bytes(figure)


def _panel(axes: "Axes", curves: Curves) -> None:
    values, reach = bars(np.clip(curves.scores.mean(axis=0), 0, 1), len(curves))
    axes.errorbar(
        axis_tokens(curves),
        values,
        yerr=reach,
        fmt="o-",
        color=COLOURS[0],
        ms=3.5,
        capsize=2,
        lw=1.5,
        zorder=3,
    )


def _mark(axes: "Axes", tokens: FloatArray, rung: int) -> None:
    axes.axvline(tokens[rung], color=COLOURS[1], linestyle=(0, (5, 1.5)), lw=1.3)


def _hide_empty(grid: "np.ndarray", used: int) -> None:
    """Hide panels without a group, and label the axis of what then is lowest in its column."""
    columns = grid.shape[1]
    for i, axes in enumerate(grid.ravel()):
        axes.set_visible(i < used)
        axes.tick_params(labelsize=8)
        if i < used <= i + columns:
            axes.tick_params(labelbottom=True)
