"""The figure of what is saved at equal accuracy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.saving_measures import AtEqual
from experiments.report.token_axis import png_bytes, shortened, style
from policies.rules import ANY_CORRECT, PER_GROUP, RANDOM_MIX, STABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TITLES = {"tokens": "visual tokens saved, %", "flops": "FLOPs saved, %", "ms": "ms saved, %"}
_LABELS = {
    RANDOM_MIX: "random mix",
    PER_GROUP: "one scale per group",
    STABLE: "oracle without luck",
    ANY_CORRECT: "oracle, luck included",
}


def draw_savings(rows: Sequence[AtEqual], policies: Sequence[str]) -> bytes:
    """Return the saving of every rule by kind of cost and allowed loss as PNG.

    Args:
        rows: what every rule saves.
        policies: names of the policies, in order.
    """
    from matplotlib.figure import Figure

    seen = {row.rule for row in rows}
    order = [RANDOM_MIX, PER_GROUP, *policies, STABLE, ANY_CORRECT]
    rules = [rule for rule in order if rule in seen]
    kinds = list(rows[0].shares)
    figure = Figure(figsize=(3.0 * len(kinds) + 1.6, 1.5 + 0.55 * len(rules)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(kinds), sharey=True))
    for axes, kind in zip(panels, kinds, strict=True):
        _panel(axes, rows, rules, kind)
    panels[0].set_yticks(
        range(len(rules)), [_LABELS.get(rule, f"policy {shortened(rule)}") for rule in rules]
    )
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return png_bytes(figure)


def _panel(axes: "Axes", rows: Sequence[AtEqual], rules: Sequence[str], kind: str) -> None:
    drops = list(dict.fromkeys(row.drop for row in rows))
    for i, drop in enumerate(drops):
        own = {row.rule: row for row in rows if row.drop == drop}
        values = 100 * np.array([own[rule].shares[kind] for rule in rules])
        colour, marker, _ = style(i)
        axes.errorbar(
            values[:, 0],
            np.arange(len(rules)) + 0.22 * (i - (len(drops) - 1) / 2),
            xerr=np.abs(values[:, 1:] - values[:, :1]).T,
            fmt=marker,
            color=colour,
            ms=5,
            capsize=2.5,
            lw=1.2,
            label="no loss"
            if not drop
            else f"{100 * drop:g} point{'' if drop == 0.01 else 's'} lost",
        )
    axes.axvline(0, color="#555555", lw=1)
    axes.set_xlabel(_TITLES[kind])
    axes.grid(alpha=0.25, axis="x")
