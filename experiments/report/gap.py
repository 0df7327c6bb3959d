"""How large the gap between the oracles and fixed scales is."""

import numpy as np

from experiments.report.assessment import Assessment, bounded
from experiments.report.frontier_figure import draw_frontiers
from experiments.report.gap_figure import draw_gains
from experiments.report.gap_tables import fixed_table, rules_table
from experiments.report.gap_words import gap_words
from experiments.report.luck import measure_luck
from experiments.report.rule_gaps import Gaps, measure_gaps
from experiments.report.runs import Run
from experiments.report.section import Picture, Section
from policies.rules import PER_GROUP


def gap_section(
    run: Run,
    assessed: Assessment,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    threshold: float = 0.5,
    tolerance: float = 0.1,
) -> Section:
    """Return the section on what choosing each sample's scale could gain over one fixed scale.

    Args:
        run: the oracle run.
        assessed: what its policies, baselines and oracles reach, for the figure of frontiers.
        rng: where resamples and permutations come from.
        resamples: how many times the samples are drawn anew.
        threshold: score from which an answer counts as right.
        tolerance: for the rule ``within``, score a sample may lose against its best rung.
    """
    gaps = measure_gaps(
        run.curves, rng, resamples=resamples, threshold=threshold, tolerance=tolerance
    )
    few = bounded(resamples, run.curves.scores.size)
    luck = measure_luck(run.curves, rng, resamples=few, threshold=threshold)
    return Section(
        "gap",
        "How large is the gap between the oracle and the best fixed scale, under each rule?",
        gap_words(run.curves, gaps, luck),
        (_frontiers(run, assessed, gaps), _gains(gaps)),
        (rules_table(gaps, resamples), fixed_table(gaps)),
    )


def _frontiers(run: Run, assessed: Assessment, gaps: Gaps) -> Picture:
    shown = ["fixed scales", "their random mix", "the oracles with and without luck"]
    shown += ["one fixed scale per group"] if PER_GROUP in assessed.paths else []
    shown += ["the policies"] if run.policies else []
    stable = gaps.get("stable")
    return Picture(
        "frontiers",
        f"Accuracy against mean visual tokens of {', '.join(shown[:-1])} and {shown[-1]}; bars and "
        f"bands are 95 % intervals over {gaps.n:,} samples.",
        f"Fixed scales go from {100 * gaps.accuracy[0].value:.1f} % at {gaps.tokens[0]:.3g} tokens "
        f"to {100 * gaps.accuracy[-1].value:.1f} % at {gaps.tokens[-1]:.4g}; the stable oracle "
        f"reaches {100 * stable.accuracy.value:.1f} % with {stable.tokens.value:.1f} tokens.",
        draw_frontiers(assessed, gaps, [policy.name for policy in run.policies]),
    )


def _gains(gaps: Gaps) -> Picture:
    first = gaps.get("first-correct")
    return Picture(
        "oracle_gains",
        "What the oracle of every rule gains over the best fixed scale, in points of accuracy and "
        "as a share of its tokens, with 95 % intervals; unsolved samples charged the cheapest or "
        "the full scale.",
        f"By the rule first-correct the gain is {100 * first.over_best.value:.1f} points with "
        f"{100 * first.tokens_saved.value:.0f} % fewer tokens; the other rules are in the table.",
        draw_gains(gaps),
    )
