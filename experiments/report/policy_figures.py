"""The figure of the gap that policies close in every group."""

from collections.abc import Sequence

import numpy as np

from experiments.report.policy_groups import GroupGap
from experiments.report.token_axis import png_bytes, shortened, style
from policies.evaluation_figures import new_picture

MOST_GROUPS = 24


def draw_groups(groups: Sequence[GroupGap], policies: Sequence[str]) -> bytes:
    """Return the gap closed in each group with its interval as PNG.

    Args:
        groups: of all policies; groups without a gap have no point.
        policies: names, in order.
    """
    names = shown_groups(groups)
    figure, axes = new_picture((8.6, 1.5 + 0.42 * max(1, len(names)) * max(1, len(policies) / 2)))
    step = 0.7 / len(policies)
    for i, policy in enumerate(policies):
        own = {group.group: group for group in groups if group.policy == policy}
        values = 100 * np.array([own[name].closed for name in names]).reshape(-1, 3)
        colour, marker, _ = style(i)
        axes.errorbar(
            values[:, 0],
            np.arange(len(names)) + (i - (len(policies) - 1) / 2) * step,
            xerr=np.abs(values[:, 1:] - values[:, :1]).T,
            fmt=marker,
            color=colour,
            ms=5.5,
            capsize=3,
            lw=1.3,
            label=f"policy {shortened(policy)}",
        )
    sizes = {group.group: group.n for group in groups}
    axes.set_yticks(range(len(names)), [f"{shortened(name)} ({sizes[name]:,})" for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(0, color="#555555", lw=1)
    axes.axvline(100, color="#555555", lw=1, linestyle=(0, (1, 1.2)))
    axes.set_xlim(*_limits(groups))
    axes.set_xlabel("gap closed within the group, % (0: random mix, 100: oracle without luck)")
    axes.grid(alpha=0.25, axis="x")
    axes.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return png_bytes(figure)


def shown_groups(groups: Sequence[GroupGap]) -> list[str]:
    """Return the groups of a figure: the largest ones, the widest gap closed first."""
    policy = groups[0].policy
    own = sorted((g for g in groups if g.policy == policy), key=lambda g: -g.n)[:MOST_GROUPS]
    ordered = sorted(own, key=lambda g: -np.nan_to_num(g.closed.value, nan=-np.inf))
    return [group.group for group in ordered]


def _limits(groups: Sequence[GroupGap]) -> tuple[float, float]:
    """Return where the axis ends: intervals of small groups may run far beyond."""
    ends = 100 * np.array([g.closed[1:] for g in groups])
    low, high = (np.nanmin(ends), np.nanmax(ends)) if np.isfinite(ends).any() else (0.0, 100.0)
    return max(float(low), -150.0) - 8.0, min(max(float(high), 100.0), 250.0) + 8.0
