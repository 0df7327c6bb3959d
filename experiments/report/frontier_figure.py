"""The figure of frontiers: oracles, fixed scales, their mix, policies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.report.assessment import Assessment
from experiments.report.rule_gaps import Gaps
from experiments.report.token_axis import GREY, label_tokens, png_bytes, shortened
from policies.evaluation_figures import new_picture
from policies.hull import FloatArray
from policies.rules import ANY_CORRECT, PER_GROUP, RANDOM_MIX, STABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour, line and label of what every report shows; Okabe and Ito's colours.
_LINES: dict[str, tuple[str, Any, str]] = {
    ANY_CORRECT: ("#999999", (0, (1, 2.5)), "oracle, luck included\n(any correct)"),
    STABLE: ("#000000", (0, (1, 1.2)), "oracle without luck\n(stable)"),
    PER_GROUP: ("#56B4E9", (0, (5, 1.5)), "one fixed scale per group"),
    RANDOM_MIX: ("#555555", "-", "fixed scales, mixed at random"),
}
_POLICIES: tuple[tuple[str, Any], ...] = (
    ("#D55E00", "-"),
    ("#0072B2", (0, (6, 1.5, 1.5, 1.5))),
    ("#E69F00", (0, (3, 1))),
    ("#CC79A7", (0, (5, 1, 1, 1, 1, 1))),
)


def draw_frontiers(assessed: Assessment, gaps: Gaps, policies: Sequence[str]) -> bytes:
    """Return accuracy against mean tokens as PNG, with bands around policies and oracles.

    Args:
        assessed: what was measured.
        gaps: the fixed scales.
        policies: labels of the policies, in order.
    """
    figure, axes = new_picture((9.2, 5.0))
    for rule in (ANY_CORRECT, STABLE, *policies, PER_GROUP, RANDOM_MIX):
        tokens, values = _line(assessed, rule)
        if not tokens.size:
            continue
        own = rule in policies
        colour, line, label = (
            (*_POLICIES[policies.index(rule) % len(_POLICIES)], f"policy {shortened(rule)}")
            if own
            else _LINES[rule]
        )
        width = 2.2 if own else 1.5
        axes.plot(tokens, values[:, 0], color=colour, linestyle=line, lw=width, label=label)
        if rule != RANDOM_MIX:  # its interval is that of the fixed scales
            axes.fill_between(tokens, values[:, 1], values[:, 2], color=colour, alpha=0.13, lw=0)
    _fixed(axes, gaps)
    label_tokens(axes, assessed.data.rung_tokens)
    axes.set_xlabel("mean visual tokens per sample (log axis)")
    axes.set_ylabel("accuracy, %")
    axes.set_title(f"{gaps.n:,} samples; bars and bands: 95 %", fontsize=10, loc="left")
    axes.legend(
        loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9, handlelength=3.2
    )
    return png_bytes(figure)


def _fixed(axes: "Axes", gaps: Gaps) -> None:
    values = 100 * np.array(gaps.accuracy)
    axes.errorbar(
        gaps.tokens,
        values[:, 0],
        yerr=np.abs(values[:, 1:] - values[:, :1]).T,
        fmt="o",
        color=GREY,
        mec="#333333",
        ecolor="#333333",
        ms=5,
        capsize=3,
        lw=1.2,
        label="fixed scales",
        zorder=5,
    )


def _line(assessed: Assessment, rule: str) -> tuple[FloatArray, FloatArray]:
    """Return tokens [p], and accuracy, low and high in percent [p, 3] of a rule."""
    found = [(k.budget, f[:3]) for k, f in assessed.table.frontiers.items() if k.rule == rule]
    tokens = np.array([at for at, _ in found], dtype=np.float64)
    return tokens, 100 * np.array([each for _, each in found]).reshape(-1, 3)
