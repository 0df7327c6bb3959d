"""How a dataset compares with published benchmarks, in careful sentences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from experiments.report.need_measures import FEW, Need
from experiments.report.need_words import saturation_phrase, within
from experiments.report.phrases import listed, number
from oracle.saturation import saturation_rungs

if TYPE_CHECKING:
    from experiments.report.published import Likeness

_SURE = 0.95
_NEAR = 0.05  # relative accuracy; curves further apart are not called alike


def published_words(
    need: Need, likeness: Sequence["Likeness"], tolerance_points: float
) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        need: of this dataset.
        likeness: to every published curve, the nearest first.
        tolerance_points: what a saturation point may lose, in points.
    """
    return (
        _nearest(need, likeness),
        _saturations(need, likeness, tolerance_points),
        "Published curves come from other models, ladders, image sizes and scorers, have no "
        "intervals, and MQT's were read off figures to about 0.1 points. A likeness says that "
        "tokens are worth about as much, relative to the best, and no more.",
    )


def _nearest(need: Need, likeness: Sequence["Likeness"]) -> str:
    known = [each for each in likeness if each.distance is not None]
    if not need.any_right:
        return "Nothing can be compared: no scale gets anything right."
    if not known:
        return (
            f"Nothing can be compared: the scales from {number(need.tokens[0])} to "
            f"{number(need.tokens[-1])} tokens share too little of the axis with published ones."
        )
    if need.n < FEW:
        return f"{need.n} samples are too few to say which published curve this one is like."
    first = known[0]
    value, low, high = (100 * end for end in first.distance or (np.nan,) * 3)
    apart = (
        f"{first.other.name}, {value:.1f} points ({low:.1f} to {high:.1f}) apart on average over "
        f"log tokens, {_shared(need, first)}"
    )
    if first.at_least > _NEAR:
        return f"No published curve is of this dataset's shape: the nearest is that of {apart}."
    if first.nearest >= _SURE:
        return f"In shape this dataset's curve is most like that of {apart}."
    rivals = [f"{each.other.name} ({100 * each.nearest:.0f} %)" for each in _rivals(known[1:])]
    also = f"; others are nearest in some: {listed(rivals)}" if rivals else ""
    return (
        f"In shape this dataset's curve is nearest to that of {apart}. That is not sure: it is the "
        f"nearest in {100 * first.nearest:.0f} % of the resamples{also}."
    )


def _shared(need: Need, each: "Likeness") -> str:
    """Return over which tokens two curves were compared, and by what."""
    low = max(need.tokens[0], each.other.tokens[0])
    high = min(need.tokens[-1], each.other.tokens[-1])
    return f"both relative to their accuracy at {number(high)} tokens, from {number(low)} tokens on"


def _rivals(others: Sequence["Likeness"]) -> list["Likeness"]:
    often = [each for each in others if each.nearest >= 0.05]
    return sorted(often, key=lambda each: -each.nearest)[:3]


def _saturations(need: Need, likeness: Sequence["Likeness"], tolerance_points: float) -> str:
    found: dict[str, list[tuple[float, str]]] = {}
    for each in likeness:
        other = each.other
        at = int(saturation_rungs(other.scores, tolerance_points / 100))
        found.setdefault(other.model, []).append((float(other.tokens[at]), other.benchmark))
    parts = []
    for model, points in sorted(found.items()):
        tokens = np.array([at for at, _ in points])
        fewest, most = min(points), max(points)
        parts.append(
            f"from {number(tokens.min())} ({fewest[1]}) to {number(tokens.max())} ({most[1]}) for "
            f"{model}"
        )
    own = f"this dataset's is {saturation_phrase(need)}" if need.any_right else "it has none here"
    return (
        f"Saturation points {within(tolerance_points)} of the best: {own}; those published go "
        f"{listed(parts)}."
    )
