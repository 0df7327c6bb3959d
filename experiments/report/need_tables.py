"""Tables of how many tokens a dataset needs."""

import numpy as np

from experiments.report.need_measures import FEW, Need
from experiments.report.need_words import within
from experiments.report.section import Cell, Column, Table, Value
from oracle.curves import Curves
from oracle.sufficient import Sufficient

SCALE = Column("scale", "scale", 0)
TOKENS = Column("mean_tokens", "mean visual tokens used", 1)
ACCURACY = Column("accuracy", "accuracy, %", 1, 100)
SATURATION = Column("saturation_tokens", "saturation point, tokens", 0)
AREA = Column("area", "area under the curve, 0 to 1", 3)


def saturation_value(need: Need) -> Value:
    """Return the saturation point in tokens.

    Its interval is NaN where samples are too few, and so is the point where nothing is right.
    """
    if not need.any_right:
        return Value(np.nan, np.nan, np.nan)
    at = need.saturation
    low, high = (float(need.tokens[rung]) for rung in (at.low, at.high))
    if need.n < FEW:
        low = high = np.nan
    return Value(float(need.tokens[at.rung]), low, high)


def area_value(need: Need) -> Value:
    """Return the area; its interval is NaN where samples are too few."""
    return Value(*need.area) if need.n >= FEW else Value(need.area.value, np.nan, np.nan)


def answer_table(need: Need, tolerance_points: float) -> Table:
    """Return the answer in one row."""
    best = need.best
    row: tuple[Cell, ...] = (
        need.n,
        saturation_value(need),
        float(need.tokens[best]),
        Value(*need.accuracy[best]),
        area_value(need),
    )
    columns = (
        Column("samples", "samples", 0),
        SATURATION,
        Column("best_tokens", "tokens of the best scale", 0),
        Column("best_accuracy", "its accuracy, %", 1, 100),
        AREA,
    )
    caption = (
        f"The saturation point is the fewest tokens with which accuracy is "
        f"{within(tolerance_points)} of the best scale's; its 95 % interval is over scales."
    )
    return Table("need", caption, columns, (row,))


def accuracy_table(curves: Curves, need: Need) -> Table:
    """Return accuracy at every scale, and how it differs from the largest and the one before."""
    used = curves.num_visual_tokens.mean(axis=0)
    gains = [None, *(Value(*gain) for gain in need.gains)]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            scale,
            float(used[i]),
            Value(*need.accuracy[i]),
            Value(*need.below_full[i]) if i < len(used) - 1 else None,
            gains[i],
            float(need.saturation.shares[i]),
        )
        for i, scale in enumerate(curves.scales)
    )
    columns = (
        SCALE,
        TOKENS,
        ACCURACY,
        Column("below_full", "below the largest scale, points", 1, 100),
        Column("gain", "above the scale before, points", 1, 100),
        Column("saturation_share", "resamples that saturate here, %", 1, 100),
    )
    caption = (
        f"Accuracy at every scale, mean score of {need.n:,} samples with 95 % intervals; "
        f"differences are paired by sample."
    )
    return Table("accuracy_by_scale", caption, columns, rows)


def sufficient_table(
    curves: Curves, stable: Sufficient, first: Sufficient, threshold: float
) -> Table:
    """Return the share of samples that needs each scale by two rules, unsolved ones last."""
    used = curves.num_visual_tokens.mean(axis=0)
    rows: list[tuple[Cell, ...]] = [
        (str(scale), float(used[i]), Value(*stable.shares[i]), Value(*first.shares[i]))
        for i, scale in enumerate(curves.scales)
    ]
    rows.append(("unsolved", None, Value(*stable.unsolved), Value(*first.unsolved)))
    columns = (
        SCALE,
        TOKENS,
        Column("stable", "stable rule, % of samples", 1, 100),
        Column("first_correct", "first-correct rule, % of samples", 1, 100),
    )
    caption = (
        f"Minimal sufficient scale of {len(curves):,} samples, a score of {threshold:g} or more "
        f"being right. Stable: right there and at all larger scales; first-correct: right there, "
        f"whatever larger scales answer. 95 % intervals."
    )
    return Table("minimal_sufficient", caption, columns, tuple(rows))
