"""Where more tokens hurt."""

import numpy as np

from experiments.report.harm_figures import draw_net, draw_transitions
from experiments.report.harm_measures import Harm, Step, measure_harm
from experiments.report.harm_words import harm_words
from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Picture, Section, Table, Value
from experiments.report.token_axis import axis_tokens


def harm_section(
    run: Run,
    rng: np.random.Generator,
    *,
    threshold: float = 0.5,
    resamples: int = 1000,
) -> Section:
    """Return the section on answers that more tokens turn wrong.

    Args:
        run: the oracle run.
        rng: where resamples come from.
        threshold: score from which an answer counts as right.
        resamples: how many times samples are drawn anew.
    """
    curves, tokens = run.curves, axis_tokens(run.curves)
    harm = measure_harm(curves, rng, threshold=threshold, resamples=resamples)
    return Section(
        "harm",
        "Where do more tokens hurt?",
        harm_words(harm, tokens),
        tuple(_pictures(run, harm)) if harm.steps else (),
        (_transition_table(run, harm), _lost_table(harm)),
    )


def _pictures(run: Run, harm: Harm) -> list[Picture]:
    tokens = axis_tokens(run.curves)
    net = ", ".join(f"{100 * step.found.net.value:+.1f}" for step in harm.steps)
    pictures = [
        Picture(
            "transitions",
            "Samples that turn from wrong to right and back between neighbouring scales, and the "
            "net change of accuracy, with 95 % intervals.",
            f"Net changes from the smallest scale on, in points: {net}.",
            draw_transitions(harm.steps, tokens),
        )
    ]
    if harm.group_steps:
        sure = sum(step.hurts for step in harm.group_steps)
        pictures.append(
            Picture(
                "net_change_by_group",
                "Net change of accuracy between neighbouring scales in every group, in points; "
                "* differs from 0 (95 % in all, McNemar and Holm).",
                f"Steps in groups that surely lose accuracy: {sure} of {len(harm.group_steps)}.",
                draw_net(run.curves, harm.group_steps, tokens),
            )
        )
    return pictures


def _transition_table(run: Run, harm: Harm) -> Table:
    columns = (
        Column("group", "group"),
        Column("from_scale", "from scale", 0),
        Column("to_scale", "to scale", 0),
        Column("samples", "samples", 0),
        Column("wrong_to_right", "wrong to right, %", 1, 100),
        Column("right_to_wrong", "right to wrong, %", 1, 100),
        Column("net", "net change of accuracy, points", 1, 100),
        Column("p_holm", "p (McNemar, Holm)", 3),
    )
    caption = (
        "What changes between neighbouring scales, over the samples that get more tokens by it; "
        "95 % intervals. p is adjusted for all steps of all samples, or of all groups."
    )
    rows = tuple(_row(run, step) for step in (*harm.steps, *harm.group_steps))
    return Table("transitions", caption, columns, rows)


def _row(run: Run, step: Step) -> tuple[Cell, ...]:
    scales, found = run.curves.scales, step.found
    return (
        step.group,
        scales[step.rung],
        scales[step.rung + 1],
        found.n,
        Value(*found.helped),
        Value(*found.hurt),
        Value(*found.net),
        None if np.isnan(step.p) else step.p,
    )


def _lost_table(harm: Harm) -> Table:
    columns = (
        Column("group", "group"),
        Column("samples", "samples", 0),
        Column("lost", "right at a smaller scale, wrong at the largest, %", 1, 100),
    )
    rows = tuple((name, harm.sizes[name], Value(*lost)) for name, lost in harm.lost.items())
    caption = (
        "Samples that some smaller scale answers right and the largest wrong, with 95 % intervals."
    )
    return Table("lost_at_largest", caption, columns, rows)
