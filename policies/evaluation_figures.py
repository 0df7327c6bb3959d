"""Pictures of an evaluation: the frontiers, and where a budget goes group by group."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from policies.equal_cost import Key
from policies.evaluation_tables import rules_in
from policies.hull import FloatArray
from policies.metrics_table import Figure, Table
from policies.rules import ANY_CORRECT, CEILING, EXPECTED, PER_GROUP, RANDOM_MIX, STABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

# Okabe and Ito's colours, which those who do not tell red from green tell apart; lines differ too,
# so that a print in grey can be read.
_STYLES = {
    RANDOM_MIX: ("#555555", "-"),
    PER_GROUP: ("#56B4E9", (0, (5, 1.5))),
    CEILING: ("#009E73", (0, (6, 1.5, 1.5, 1.5))),
    STABLE: ("#000000", (0, (1, 1.2))),
    ANY_CORRECT: ("#999999", (0, (1, 2.5))),
    EXPECTED: ("#CC79A7", (0, (3, 1, 1, 1, 1, 1))),
}
_POLICIES = ("#D55E00", "#0072B2", "#E69F00", "#882255")
_LABELS = {
    RANDOM_MIX: "fixed scales, mixed at random",
    PER_GROUP: "one fixed scale per group",
    CEILING: "told the hidden difficulty",
    STABLE: "oracle without luck",
    ANY_CORRECT: "oracle, luck included",
    EXPECTED: "oracle of expected scores",
}
_DPI = 150


def draw_frontiers(
    table: Table, rung_tokens: FloatArray, policies: Sequence[str], path: Path
) -> None:
    """Write accuracy against mean visual tokens, the policies with 95 % bands.

    Args:
        table: what was measured.
        rung_tokens: mean visual tokens of every rung, shape [k].
        policies: labels of the policies that were judged.
        path: the PNG.
    """
    figure, axes = new_picture((8.6, 4.8))
    lines = {rule: _line(table.frontiers, rule) for rule in rules_in(table)}
    colours = {name: _POLICIES[i % len(_POLICIES)] for i, name in enumerate(policies)}
    for rule, (tokens, values) in lines.items():
        colour, style = _STYLES.get(rule, (colours.get(rule, "#D55E00"), "-"))
        label, own = _LABELS.get(rule, f"policy {rule}"), rule in policies
        axes.plot(
            tokens,
            values[:, 0],
            color=colour,
            linestyle=style,
            lw=2.2 if own else 1.6,
            label=label,
            zorder=3 if own else 2,
        )
        if own:
            axes.fill_between(tokens, values[:, 1], values[:, 2], color=colour, alpha=0.18, lw=0)
    _mark_rungs(axes, lines[RANDOM_MIX], rung_tokens)
    _label_tokens(axes, rung_tokens)
    axes.set_ylabel("accuracy on held-out samples, %")
    axes.set_title(f"{table.num_samples:,} samples; bands: 95 %", fontsize=10, loc="left")
    _legend_by_height(axes, lines)
    write_picture(figure, path)


def _line(frontiers: Mapping[Key, Figure], rule: str) -> tuple[FloatArray, FloatArray]:
    """Return tokens [p] and accuracy, low and high in percent [p, 3] of a rule."""
    points = [(key.budget, each) for key, each in frontiers.items() if key.rule == rule]
    tokens = np.array([at for at, _ in points], dtype=np.float64)
    return tokens, 100 * np.array([each[:3] for _, each in points])


def _mark_rungs(axes: "Axes", line: tuple[FloatArray, FloatArray], rungs: FloatArray) -> None:
    tokens, values = line
    at = np.isin(tokens, rungs)
    colour, _ = _STYLES[RANDOM_MIX]
    axes.plot(tokens[at], values[at, 0], "o", color=colour, ms=4.5, zorder=2)


def _label_tokens(axes: "Axes", rungs: FloatArray) -> None:
    axes.set_xscale("log")
    axes.set_xticks(rungs.tolist(), [f"{tokens:.0f}" for tokens in rungs])
    axes.minorticks_off()
    axes.set_xlim(rungs[0] * 0.93, rungs[-1] * 1.07)
    axes.set_xlabel("mean visual tokens per image (log axis)")
    axes.grid(alpha=0.25)


def _legend_by_height(axes: "Axes", lines: Mapping[str, tuple[FloatArray, FloatArray]]) -> None:
    """Put the legend beside the axes, in the order of the lines where they lie furthest apart."""
    heights = np.array([values[:, 0] for _, values in lines.values()])
    order = np.argsort(-heights[:, int(heights.std(axis=0).argmax())], kind="stable")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        frameon=False,
        fontsize=9,
        handlelength=3.2,
    )


def draw_groups(groups: Mapping[str, Table], policies: Sequence[str], path: Path) -> None:
    """Write the gap closed in each group with its interval, beside what the ceiling closes.

    Args:
        groups: what was measured on each group alone.
        policies: labels of the policies that were judged.
        path: the PNG.
    """
    rules = [*policies, CEILING]
    names = [
        name
        for name, table in groups.items()
        if np.isfinite(table.get(policies[0], "gap_closed_stable").value)
    ]
    figure, axes = new_picture((7.6, 1.4 + 0.45 * max(1, len(names))))
    step = 0.7 / len(rules)
    for i, rule in enumerate(rules):
        found = [groups[name].get(rule, "gap_closed_stable") for name in names]
        values = 100 * np.array([each[:3] for each in found]).reshape(-1, 3)
        if not np.isfinite(values).any():
            continue
        colour = _STYLES[CEILING][0] if rule == CEILING else _POLICIES[i % len(_POLICIES)]
        y = np.arange(len(names)) + (i - (len(rules) - 1) / 2) * step
        reach = np.abs(values[:, 1:] - values[:, :1]).T
        axes.errorbar(
            values[:, 0],
            y,
            xerr=reach,
            fmt="D" if rule == CEILING else "o",
            color=colour,
            ms=5,
            capsize=2,
            lw=1.4,
            label=_LABELS.get(rule, f"policy {rule}"),
        )
    axes.axvline(0, color="#555555", lw=1)
    axes.set_yticks(range(len(names)), [f"{name} ({groups[name].num_samples})" for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("gap to the oracle without luck closed within the group, % (95 % intervals)")
    axes.grid(alpha=0.25, axis="x")
    axes.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    write_picture(figure, path)


def new_picture(size: tuple[float, float]) -> "tuple[Picture, Axes]":
    """Return an empty figure of a size in inches, and its axes."""
    from matplotlib.figure import Figure as Picture

    figure = Picture(figsize=size, layout="constrained")  # no window, no state of pyplot
    return figure, figure.subplots()


def write_picture(figure: "Picture", path: Path) -> None:
    """Write a figure as PNG, at a resolution that can be printed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)
