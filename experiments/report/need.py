"""How many visual tokens a dataset needs."""

import numpy as np

from experiments.report.need_figures import draw_accuracy, draw_sufficient
from experiments.report.need_measures import Need, measure_need
from experiments.report.need_tables import accuracy_table, answer_table, sufficient_table
from experiments.report.need_words import need_words, saturation_phrase, within
from experiments.report.runs import Run
from experiments.report.section import Picture, Section
from oracle.sufficient import Sufficient, sufficient


def need_section(
    run: Run,
    rng: np.random.Generator,
    *,
    tolerance_points: float = 1.0,
    threshold: float = 0.5,
    resamples: int = 1000,
) -> Section:
    """Return the section on how many visual tokens a dataset needs.

    Args:
        run: the oracle run.
        rng: where resamples come from.
        tolerance_points: what the saturation point may lose against the best scale, in points.
        threshold: score from which an answer counts as right.
        resamples: how many times the samples are drawn anew.
    """
    curves = run.curves
    need = measure_need(curves, rng, tolerance_points=tolerance_points, resamples=resamples)
    stable, first = (
        sufficient(curves, rule, rng, threshold=threshold, resamples=resamples)
        for rule in ("stable", "first_correct")
    )
    return Section(
        "need",
        "How many visual tokens does this dataset need?",
        need_words(need, stable, first, tolerance_points),
        (
            _accuracy_picture(need, tolerance_points),
            _sufficient_picture(need, stable, first),
        ),
        (
            answer_table(need, tolerance_points),
            accuracy_table(curves, need),
            sufficient_table(curves, stable, first, threshold),
        ),
    )


def _accuracy_picture(need: Need, tolerance_points: float) -> Picture:
    caption = (
        f"Accuracy against visual tokens, {need.n:,} samples, with 95 % intervals; the band is "
        f"{within(tolerance_points)} of the best scale."
    )
    alt = (
        f"Accuracy goes from {100 * need.means[0]:.1f} % at the smallest to "
        f"{100 * need.means[-1]:.1f} % at the largest scale; the saturation point is "
        f"{saturation_phrase(need)}."
    )
    return Picture("accuracy_by_tokens", caption, alt, draw_accuracy(need, tolerance_points))


def _sufficient_picture(need: Need, stable: Sufficient, first: Sufficient) -> Picture:
    caption = (
        "Minimal sufficient tokens by two rules, share of all samples with 95 % intervals; "
        "samples that no scale solves by the rule stand apart."
    )
    alt = (
        f"By the stable rule {100 * stable.shares[0].value:.1f} % of the samples need the smallest "
        f"scale, {100 * stable.shares[-1].value:.1f} % the largest, and "
        f"{100 * stable.unsolved.value:.1f} % are unsolved."
    )
    return Picture("minimal_sufficient", caption, alt, draw_sufficient(need, stable, first))
