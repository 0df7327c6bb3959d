"""The figure of what every rule's oracle gains over the best fixed scale."""

from typing import TYPE_CHECKING

import numpy as np

from experiments.report.rule_gaps import CHARGES, Gaps
from experiments.report.token_axis import COLOURS, png_bytes
from policies.hull import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = {
    "cheapest": ("o", COLOURS[0], "unsolved samples charged the cheapest scale"),
    "full": ("s", COLOURS[1], "unsolved samples charged the full scale"),
}


def draw_gains(gaps: Gaps) -> bytes:
    """Return points of accuracy and the share of tokens saved, rule by rule, as PNG."""
    from matplotlib.figure import Figure

    rules = list(dict.fromkeys(row.rule for row in gaps.rules))
    figure = Figure(figsize=(9.2, 1.5 + 0.5 * len(rules)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for charge in CHARGES:
        rows = [gaps.get(rule, charge) for rule in rules]
        _dots(left, np.array([row.over_best for row in rows]), charge)
        _dots(right, np.array([row.tokens_saved for row in rows]), charge)
    left.set_yticks(range(len(rules)), rules)
    left.invert_yaxis()
    left.set_xlabel("accuracy over the best fixed scale, points")
    right.set_xlabel("visual tokens saved against it, %")
    for axes in (left, right):
        axes.axvline(0, color="#555555", lw=1)
        axes.grid(alpha=0.25, axis="x")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    return png_bytes(figure)


def _dots(axes: "Axes", values: FloatArray, charge: str) -> None:
    """Draw values with their intervals, shape [rules, 3], a little beside those of the other."""
    marker, colour, label = _STYLES[charge]
    shown = 100 * values
    axes.errorbar(
        shown[:, 0],
        np.arange(len(shown)) + (-0.13 if charge == CHARGES[0] else 0.13),
        xerr=np.abs(shown[:, 1:] - shown[:, :1]).T,
        fmt=marker,
        color=colour,
        ms=5.5,
        capsize=3,
        lw=1.3,
        label=label,
    )
