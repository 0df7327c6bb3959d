"""A picture of what matters to policies: what shuffling changes, and what it costs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from policies.importance import Importance, ImportanceTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours; the marks differ too, for prints in grey.
_MARKS = (("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"))
_PANELS = (
    ("moved", 1.0, "tokens moved, mean |log2|"),
    ("gap_lost", 100.0, "gap closed that is lost, points"),
)
_MOST_FEATURES = 20


def draw_importance(tables: Mapping[str, ImportanceTable], *, singles: bool = False) -> "Figure":
    """Return groups of features from the most important down, with 95 % intervals.

    Args:
        tables: by the policies' names; the first one says the order.
        singles: draw the 20 most important features by themselves, and not the groups.
    """
    from matplotlib.figure import Figure

    rows = {
        name: {each.name: each for each in (table.features if singles else table.groups)}
        for name, table in tables.items()
    }
    first = next(iter(rows.values()))
    names = list(first)[:_MOST_FEATURES]
    figure = Figure(figsize=(9.6, 1.5 + 0.36 * len(names)), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, 2, sharey=True)
    for axes, (field, factor, label) in zip(panels, _PANELS, strict=True):
        for i, (name, found) in enumerate(rows.items()):
            offset = (i - (len(rows) - 1) / 2) * 0.22
            own = [found[each] for each in names if each in found]
            places = [names.index(each.name) + offset for each in own]
            _points(axes, own, places, field, factor, name, i)
        axes.axvline(0, color="#555555", lw=1)
        axes.set_xlabel(f"{label} (95 %)", fontsize=9)
        axes.grid(alpha=0.25, axis="x")
    panels[0].set_yticks(range(len(names)), [first[each].words for each in names], fontsize=9)
    panels[0].invert_yaxis()
    if len(rows) > 1:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=4)
    return figure


def _points(
    axes: "Axes",
    found: Sequence[Importance],
    places: Sequence[float],
    field: str,
    factor: float,
    label: str,
    number: int,
) -> None:
    colour, mark = _MARKS[number % len(_MARKS)]
    values = factor * np.array([getattr(each, field) for each in found]).reshape(-1, 3)
    axes.errorbar(
        values[:, 0],
        places,
        xerr=np.abs(values[:, 1:] - values[:, :1]).T,
        fmt=mark,
        color=colour,
        ms=5,
        capsize=2,
        lw=1.4,
        label=label,
    )
