"""How large the gap is, in sentences."""

import numpy as np

from experiments.report.luck import Luck
from experiments.report.phrases import percent, points, tokens_in_words
from experiments.report.rule_gaps import Gaps, RuleGap
from experiments.report.verdicts import few_samples, known, more_or_less, negative, sign
from oracle.curves import Curves

_MEANS = {
    "stable": "the fewest tokens that are right and stay right at every larger scale",
    "first-correct": "the fewest tokens that are right, whatever larger scales do",
}


def gap_words(curves: Curves, gaps: Gaps, luck: Luck) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        curves: what was measured.
        gaps: oracles by every rule.
        luck: how much of the any-correct oracle is luck.
    """
    if not curves.scores.any():
        return (
            "There is no gap: no scale gets any sample right, so that choosing gains nothing.",
            *few_samples(gaps.n),
        )
    stable, first = gaps.get("stable"), gaps.get("first-correct")
    return (
        _gap(gaps, stable, first),
        _against_best(stable),
        _against_best(first),
        *_by_the_way(curves, stable),
        _hindsight(),
        *_across(gaps),
        _charge(gaps, first),
        *_luck(luck),
        *_binary(curves),
        *few_samples(gaps.n),
    )


def _gap(gaps: Gaps, stable: RuleGap, first: RuleGap) -> str:
    best = tokens_in_words(gaps.tokens[gaps.best])
    return (
        f"The best fixed scale, {best}, has an accuracy of {percent(gaps.accuracy[gaps.best])}; "
        f"choosing a scale for each sample {_gain(stable)} by the rule stable and {_gain(first)} "
        "by the rule first-correct; against mixing fixed scales at random with the same tokens it "
        f"is {points(stable.over_mix)} and {points(first.over_mix)}."
    )


def _gain(row: RuleGap) -> str:
    return more_or_less(
        row.over_best,
        better=f"could gain {points(row.over_best)}",
        worse=f"would lose {points(negative(row.over_best))}",
        same=f"comes to {points(row.over_best)}, which cannot be told from none,",
    )


def _against_best(row: RuleGap) -> str:
    gain = more_or_less(
        row.over_best,
        better=f"{points(row.over_best)} more than the best fixed scale",
        worse=f"{points(negative(row.over_best))} less than the best fixed scale",
        same="exactly what the best fixed scale reaches"
        if row.over_best == (0.0, 0.0, 0.0)
        else f"{points(row.over_best)} against the best fixed scale, from which it cannot be "
        "told apart",
    )
    spent = more_or_less(
        row.tokens_saved,
        better=f"{percent(row.tokens_saved)} fewer tokens than it",
        worse="more tokens than it",
        same="about as many tokens as it",
    )
    return (
        f"An oracle that takes {_MEANS[row.rule]} (rule {row.rule}, unsolved samples charged the "
        f"{row.unsolved} scale) reaches {percent(row.accuracy)} with "
        f"{tokens_in_words(row.tokens.value)} a sample: {gain}, with {spent}."
    )


def _by_the_way(curves: Curves, stable: RuleGap) -> tuple[str, ...]:
    """Say where a gain in accuracy of the stable rule comes from, which promises none."""
    if sign(stable.over_best) < 1 or not _is_binary(curves):
        return ()
    return (
        "What the stable oracle gains over the full scale are samples that the full scale gets "
        "wrong: it calls them unsolved, leaves them to the cheapest scale, and that is right by "
        "the way. Its own merit are the tokens.",
    )


def _hindsight() -> str:
    return (
        "The best fixed scale and the random mix are chosen on these very samples, which favours "
        "them a little. Only a rule that chooses well for each sample can close the gap."
    )


def _across(gaps: Gaps) -> tuple[str, ...]:
    """Say how far the rules differ, where some gain more than others."""
    least, most = (f(gaps.rules, key=lambda row: row.over_best.value) for f in (min, max))
    if most.over_best.value - least.over_best.value < 0.0005:
        return ("In accuracy all rules come to the same.",)
    if not any(sign(row.over_best) for row in gaps.rules):
        return ("By no rule can the oracle's accuracy be told from the best fixed scale's.",)
    return (
        f"So the gap depends on the rule: over the best fixed scale it goes from "
        f"{points(least.over_best)} by {_named(least)}, to {points(most.over_best)} by "
        f"{_named(most)}. A gap means little without its rule.",
    )


def _named(row: RuleGap) -> str:
    return f"the rule {row.rule} with unsolved samples charged the {row.unsolved} scale"


def _charge(gaps: Gaps, first: RuleGap) -> str:
    full = gaps.get("first-correct", "full")
    if first.solved == 1:
        return "Some scale solves every sample, so that it does not matter what unsolved ones cost."
    return (
        f"No scale solves {100 * (1 - first.solved):.1f} % of the samples. Charging these the full "
        f"scale instead of the cheapest takes the first-correct oracle from "
        f"{tokens_in_words(first.tokens.value)} a sample to {tokens_in_words(full.tokens.value)}."
    )


def _luck(luck: Luck) -> tuple[str, ...]:
    if not known(luck.guessed) or sign(luck.gain) < 1:
        return (
            "No luck is to be found in the oracle's gain: over the full scale it gains no answer "
            "that could be told from none.",
        )
    told = more_or_less(
        luck.luck,
        better=f"that is {points(luck.luck)} of luck",
        worse="so that no luck is seen",
        same="so that luck cannot be told from none",
    )
    everything = (
        ", so that guessing alone would explain all of the gain" if luck.guessed.value >= 1 else ""
    )
    return (
        f"Part of the any-correct oracle's gain over the full scale is luck, since it gets a try "
        f"at every scale: {percent(luck.any_right)} of the samples are right at some scale, but "
        f"{percent(luck.known)} once corrected for guessing, {told}. One who guesses wherever a "
        f"larger scale is wrong gains {100 * luck.guessed.value:.0f} % of what that oracle gains"
        f"{everything}.",
    )


def _binary(curves: Curves) -> tuple[str, ...]:
    if _is_binary(curves):
        return (
            "Scores here are right or wrong, so that the rules first-correct, within and expected "
            "come to the same.",
        )
    return (
        "Scores here are not only right or wrong: accuracies are mean scores, and an answer counts "
        "as right from the threshold on; luck is told of right and wrong alone.",
    )


def _is_binary(curves: Curves) -> bool:
    return bool(np.isin(curves.scores, (0.0, 1.0)).all())
