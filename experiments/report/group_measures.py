"""What every group of samples needs, and which of them need more or fewer tokens than others."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.report.need_measures import FEW, Need, measure_need
from oracle.comparison import Estimate
from oracle.curves import Curves
from oracle.resampled import estimate
from oracle.significance import holm, welch
from oracle.token_area import area_weights
from policies.hull import FloatArray

MOST_PANELS = 20  # groups that a figure can show; further ones are drawn as one, "other"
SIGNIFICANT = 0.05


class GroupNeed(NamedTuple):
    """One group.

    Attributes:
        name: of the group.
        need: what its own curve says.
        against_others: its shortfall less that of all other samples, in [-2, 2].
        p: Welch's test of that difference, adjusted for the number of groups by Holm; NaN where
            the group, or all the others together, are too few samples.
    """

    name: str
    need: Need
    against_others: Estimate
    p: float

    @property
    def more(self) -> bool:
        """Whether many tokens are surely worth more to this group than to the others."""
        return self.p < SIGNIFICANT and self.against_others.low > 0

    @property
    def less(self) -> bool:
        """Whether they are surely worth less to it."""
        return self.p < SIGNIFICANT and self.against_others.high < 0


def measure_groups(
    curves: Curves, rng: np.random.Generator, *, tolerance_points: float, resamples: int
) -> tuple[GroupNeed, ...]:
    """Return all groups, those that need most tokens first.

    Groups are resampled each on its own, so that they keep their sizes. They are ordered by their
    saturation points, those of the same point by their shortfalls; groups without a right answer
    come last.

    Args:
        curves: with the groups.
        rng: where resamples come from.
        tolerance_points: what a saturation point may lose against the group's best, in points.
        resamples: how many times every group's samples are drawn anew.
    """
    names = np.unique(curves.groups).tolist()
    members = [curves.groups == name for name in names]
    parts = [curves.select(own) for own in members]
    needs = [
        measure_need(part, rng, tolerance_points=tolerance_points, resamples=resamples)
        for part in parts
    ]
    each = np.concatenate([_shortfalls(p, need) for p, need in zip(parts, needs, strict=True)])
    home = np.repeat(np.arange(len(names)), [need.n for need in needs])
    found = [
        GroupNeed(name, need, difference, p)
        for name, need, difference, p in zip(
            names, needs, _differences(needs), _tests(each, home, needs), strict=True
        )
    ]
    return tuple(sorted(found, key=_most_needed_first))


def figure_parts(curves: Curves, names: list[str]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the groups that a figure shows, the smallest of many as one group ``other``.

    Args:
        curves: with the groups.
        names: of all groups, in the order in which they are shown.

    Returns:
        Name and samples of each, shape [n].
    """
    if len(names) <= MOST_PANELS:
        return [(name, curves.groups == name) for name in names]
    sizes = {name: int((curves.groups == name).sum()) for name in names}
    kept = set(sorted(names, key=lambda name: -sizes[name])[: MOST_PANELS - 1])
    shown = [(name, curves.groups == name) for name in names if name in kept]
    rest = ~np.isin(curves.groups, list(kept))
    return [*shown, (f"other ({len(names) - len(kept)} groups)", rest)]


def _most_needed_first(group: GroupNeed) -> tuple[bool, float, float, str]:
    need = group.need
    tokens = need.tokens[need.saturation.rung]
    return not need.any_right, -float(tokens), -need.shortfall.value, group.name


def _shortfalls(curves: Curves, need: Need) -> FloatArray:
    """Return, per sample, the score of the largest scale less the area, shape [n]."""
    short: FloatArray = curves.scores[:, -1] - curves.scores @ area_weights(need.tokens)
    return short


def _differences(needs: list[Need]) -> list[Estimate]:
    """Return each group's shortfall less that of all other samples."""
    sizes = np.array([need.n for need in needs], dtype=np.float64)
    values = np.array([need.shortfall.value for need in needs])
    drawn = np.stack(
        [need.resampled[:, -1] - need.resampled @ area_weights(need.tokens) for need in needs]
    )
    found = []
    for i, own in enumerate(sizes):
        others = sizes.sum() - own
        if not others:
            return [Estimate(0.0, np.nan, np.nan)]
        rest = (sizes @ values - own * values[i]) / others
        rest_drawn = (sizes @ drawn - own * drawn[i]) / others
        value, low, high = estimate(
            values[i] - rest, drawn[i] - rest_drawn, int(own), bounds=(-2.0, 2.0)
        )
        found.append(Estimate(value, low, high))
    return found


def _tests(each: FloatArray, home: NDArray[np.int64], needs: list[Need]) -> FloatArray:
    p = np.full(len(needs), np.nan)
    tested = [i for i, need in enumerate(needs) if min(need.n, len(each) - need.n) >= FEW]
    p[tested] = holm([welch(each[home == i], each[home != i]) for i in tested])
    return p
