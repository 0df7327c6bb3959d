"""Figures of what changes from one scale to the next."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.group_measures import figure_parts
from experiments.report.harm_measures import Step
from experiments.report.phrases import number
from experiments.report.token_axis import COLOURS, legend_above, png_bytes, shortened
from oracle.curves import Curves
from policies.evaluation_figures import new_picture
from policies.hull import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_transitions(steps: Sequence[Step], tokens: FloatArray) -> bytes:
    """Return turns to right upwards and to wrong downwards at every step, the net change marked."""
    figure, axes = new_picture((max(6.4, 1.6 + 0.9 * len(steps)), 4.2))
    at = np.arange(len(steps))
    kinds = (("helped", 1, COLOURS[0], ""), ("hurt", -1, COLOURS[1], "//"))
    for name, sign, colour, hatch in kinds:
        shares = 100 * np.array([getattr(step.found, name) for step in steps])
        axes.bar(
            at,
            sign * shares[:, 0],
            0.6,
            yerr=np.abs(shares[:, 1:] - shares[:, :1]).T[::sign],
            color=colour,
            hatch=hatch,
            edgecolor="white",
            capsize=3,
            error_kw={"lw": 1, "ecolor": "#333333"},
            label="wrong to right" if sign > 0 else "right to wrong",
        )
    net = 100 * np.array([step.found.net for step in steps])
    axes.errorbar(
        at + 0.36,
        net[:, 0],
        yerr=np.abs(net[:, 1:] - net[:, :1]).T,
        fmt="D",
        color="black",
        ms=5,
        capsize=3,
        label="net change of accuracy, points",
    )
    axes.axhline(0, color="#333333", lw=1)
    axes.set_xticks(at, step_names(tokens))
    axes.set_xlabel("visual tokens, from one scale to the next")
    axes.set_ylabel("share of samples, % (95 %)")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}" if value else "0")
    axes.grid(alpha=0.25, axis="y")
    axes.set_axisbelow(True)
    legend_above(axes, 3)
    return png_bytes(figure)


def step_names(tokens: FloatArray) -> list[str]:
    """Return the steps as an axis names them.

    Example:
        >>> step_names(np.array([1.0, 4.0, 31.25]))
        ['1 → 4', '4 → 31.2']
    """
    names = [number(each) for each in tokens]
    return [f"{few} → {many}" for few, many in pairwise(names)]


def draw_net(curves: Curves, steps: Sequence[Step], tokens: FloatArray) -> bytes:
    """Return the net change at every step in every group, sure ones starred.

    Args:
        curves: with the groups.
        steps: of every group.
        tokens: visual tokens of the rungs, shape [k].
    """
    parts = figure_parts(curves, list(dict.fromkeys(step.group for step in steps)))
    sure = {(step.group, step.rung): step.hurts or step.helps for step in steps}
    net = np.array([_net(curves.select(own)) for _, own in parts])
    rows, columns = net.shape
    figure, axes = new_picture((3.4 + 0.95 * columns, 1.3 + 0.36 * rows))
    reach = max(float(np.nanmax(np.abs(net), initial=0.0)), 1.0)
    image = axes.imshow(net, cmap="PuOr", vmin=-reach, vmax=reach, aspect="auto")
    for i, (name, _) in enumerate(parts):
        for j in range(columns):
            _write(axes, i, j, net[i, j], reach, star=sure.get((name, j), False))
    axes.set_yticks(
        range(rows), [f"{shortened(name)} ({int(own.sum()):,})" for name, own in parts], fontsize=9
    )
    axes.set_xticks(range(columns), step_names(tokens), fontsize=9)
    axes.set_xlabel("visual tokens, from one scale to the next")
    figure.colorbar(image, ax=axes, label="net change of accuracy, points")
    return png_bytes(figure)


def _write(axes: "Axes", i: int, j: int, net: float, reach: float, *, star: bool) -> None:
    text = "\N{EN DASH}" if np.isnan(net) else f"{net:+.1f}{'*' if star else ''}"
    dark = abs(net) > 0.5 * reach
    axes.text(j, i, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")


def _net(curves: Curves) -> FloatArray:
    """Return mean changes in points, shape [k - 1], NaN where no sample gets more tokens."""
    grows = np.diff(curves.num_visual_tokens, axis=1) > 0
    change = (np.diff(curves.scores, axis=1) * grows).sum(axis=0)
    net = np.full(change.shape, np.nan)
    np.divide(100 * change, grows.sum(axis=0), out=net, where=grows.any(axis=0))
    return net
