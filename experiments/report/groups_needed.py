"""Which question types need more visual tokens."""

import numpy as np

from experiments.report.group_figures import draw_groups
from experiments.report.group_measures import MOST_PANELS, GroupNeed, measure_groups
from experiments.report.group_words import group_words
from experiments.report.need_measures import Need
from experiments.report.need_tables import (
    ACCURACY,
    AREA,
    SATURATION,
    SCALE,
    TOKENS,
    area_value,
    saturation_value,
)
from experiments.report.need_words import within
from experiments.report.phrases import count
from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Picture, Section, Table, Value


def groups_section(
    run: Run,
    rng: np.random.Generator,
    *,
    tolerance_points: float = 1.0,
    resamples: int = 1000,
) -> Section:
    """Return the section on which groups of samples need more tokens.

    Args:
        run: the oracle run; ``run.curves.groups`` are what is compared.
        rng: where resamples come from.
        tolerance_points: what a saturation point may lose against the group's best, in points.
        resamples: how many times every group's samples are drawn anew.
    """
    groups = measure_groups(run.curves, rng, tolerance_points=tolerance_points, resamples=resamples)
    pictures = () if len(groups) == 1 else (_picture(run, groups),)
    return Section(
        "groups",
        "Which question types need more?",
        group_words(groups, run.grouped_by),
        pictures,
        (_need_table(groups, tolerance_points), _accuracy_table(run, groups)),
    )


def _need_table(groups: tuple[GroupNeed, ...], tolerance_points: float) -> Table:
    columns = (
        Column("group", "group"),
        Column("samples", "samples", 0),
        SATURATION,
        Column("smallest_accuracy", "accuracy at the smallest scale, %", 1, 100),
        Column("largest_accuracy", "at the largest, %", 1, 100),
        AREA,
        Column("shortfall", "at stake: largest scale less area, points", 1, 100),
        Column("against_others", "more than in the other samples, points", 1, 100),
        Column("p_holm", "p (Welch, Holm)", 3),
    )
    caption = (
        f"Groups by need, most tokens first. Saturation point: fewest tokens "
        f"{within(tolerance_points)} of the group's own best scale. 95 % intervals."
    )
    return Table("groups", caption, columns, tuple(_need_row(group) for group in groups))


def _need_row(group: GroupNeed) -> tuple[Cell, ...]:
    need = group.need
    alone = np.isnan(group.against_others.low)
    return (
        group.name,
        need.n,
        saturation_value(need),
        Value(*need.accuracy[0]),
        Value(*need.accuracy[-1]),
        area_value(need),
        Value(*need.shortfall),
        None if alone else Value(*group.against_others),
        None if np.isnan(group.p) else group.p,
    )


def _accuracy_table(run: Run, groups: tuple[GroupNeed, ...]) -> Table:
    rows = [row for group in groups for row in _accuracy_rows(run, group.name, group.need)]
    columns = (Column("group", "group"), Column("samples", "samples", 0), SCALE, TOKENS, ACCURACY)
    caption = "Accuracy of every group at every scale, mean score with 95 % intervals."
    return Table("accuracy_by_group", caption, columns, tuple(rows))


def _accuracy_rows(run: Run, name: str, need: Need) -> list[tuple[Cell, ...]]:
    own = run.curves.groups == name
    used = run.curves.num_visual_tokens[own].mean(axis=0)
    return [
        (name, need.n, scale, float(used[i]), Value(*need.accuracy[i]))
        for i, scale in enumerate(run.curves.scales)
    ]


def _picture(run: Run, groups: tuple[GroupNeed, ...]) -> Picture:
    merged = (
        f" The {count(len(groups) - MOST_PANELS + 1, 'smallest group')} are drawn as one."
        if len(groups) > MOST_PANELS
        else ""
    )
    caption = (
        f"Accuracy against visual tokens in every group, most needed tokens first, with 95 % "
        f"intervals; grey: all samples; the dashed line: saturation point.{merged}"
    )
    most, fewest = groups[0], groups[-1]
    alt = (
        f"{count(len(groups), 'group')}; {most.name!r} comes first, from "
        f"{100 * most.need.means[0]:.1f} to {100 * most.need.means[-1]:.1f} %, "
        f"{fewest.name!r} last, from {100 * fewest.need.means[0]:.1f} to "
        f"{100 * fewest.need.means[-1]:.1f} %."
    )
    return Picture("accuracy_by_group", caption, alt, draw_groups(run.curves, groups))
