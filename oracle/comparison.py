"""Oracles by every rule side by side on the same curves, how often scores fall, and luck.

All intervals are 95 % percentile intervals of one bootstrap over samples, so the rules are
resampled together. The spread of the permutations alone is not a bootstrap; see ``oracle.luck``.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.bootstrap import intervals
from oracle.curves import Curves
from oracle.labels import Labels, Rule, Unsolved, label, rule_word
from oracle.luck import Draws, KnowsOrGuesses, independent_tries, lucky_guesser

FloatArray = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


class RuleRow(NamedTuple):
    """One oracle.

    Attributes:
        rule: its word on the command line, e.g. ``"within:0.1"``.
        unsolved: what a sample that no rung solves is charged.
        solved: share of all samples that the rule solves.
        accuracy: mean score at the rung charged, in [0, 1], over the samples that count.
        mean_tokens: visual tokens per sample that counts.
        n: samples that count; with ``unsolved="drop"`` the solved ones.
    """

    rule: str
    unsolved: Unsolved
    solved: float
    accuracy: Estimate
    mean_tokens: Estimate
    n: int


class Comparison(NamedTuple):
    """What ``compare`` finds.

    Attributes:
        full: accuracy and mean tokens of the full scale, without any choice.
        rows: one per rule that these curves allow, by the chosen rule for unsolved samples.
        m3: M3's own count, ``first-correct`` with unsolved samples charged the cheapest scale.
        falling_pairs: share of neighbouring rungs with more tokens and a lower score; NaN if no
            neighbour has more tokens.
        falling_samples: share of samples with at least one such pair.
        tries: the any-correct oracle of independent tries.
        guesser: the any-correct oracle of one who guesses wherever a larger scale is wrong.
        guessed_gain: what the guesser gains over the full scale, as a share of what the
            any-correct oracle gains; NaN if that gains nothing.
        known_accuracy: the any-correct oracle's accuracy without guesses.
        known_tokens: and its visual tokens per sample.
        luck: the any-correct oracle's accuracy less ``known_accuracy``.
    """

    full: RuleRow
    rows: tuple[RuleRow, ...]
    m3: RuleRow
    falling_pairs: Estimate
    falling_samples: Estimate
    tries: Draws
    guesser: Draws
    guessed_gain: float
    known_accuracy: Estimate
    known_tokens: Estimate
    luck: Estimate


def compare(
    curves: Curves,
    rng: np.random.Generator,
    *,
    unsolved: Unsolved = "cheapest",
    threshold: float = 0.5,
    tolerance: float = 0.1,
    resamples: int = 1000,
    permutations: int = 200,
) -> Comparison:
    """Return every rule's oracle on ``curves``, and what stands behind the any-correct one.

    Args:
        curves: scores, answers and tokens at every rung.
        rng: where resamples and permutations come from.
        unsolved: what a sample that no rung solves is charged.
        threshold: score from which an answer counts as right.
        tolerance: for the rule ``within``, score a sample may lose against its best rung.
        resamples: how many times the samples are drawn anew, for the intervals.
        permutations: how often answers are shuffled, for the luck of independent tries.

    Raises:
        ValueError: if a rule is unknown, or there are no resamples or permutations.
    """
    labels = _every_rule(curves, unsolved, threshold, tolerance)
    m3 = label(curves, "first_correct", "cheapest", threshold)
    statistics = _Statistics(curves, [*labels.values(), m3], threshold)
    spans = intervals(statistics, len(curves), rng, resamples=resamples)
    values = statistics(np.ones(len(curves))).tolist()
    found = [Estimate(value, *span) for value, span in zip(values, spans, strict=True)]
    pairs, samples, full, full_tokens, *oracles = found[:-3]
    known, known_tokens, luck = found[-3:]
    right = float((curves.scores[:, -1] >= threshold).mean())
    rows = [
        RuleRow(name, own.unsolved, float(own.solved.mean()), score, tokens, int(own.kept.sum()))
        for (name, own), score, tokens in zip(
            [*labels.items(), ("first-correct", m3)], oracles[::2], oracles[1::2], strict=True
        )
    ]
    guesser = lucky_guesser(curves, rng, threshold=threshold, permutations=permutations)
    gain = m3.solved.mean() - right
    return Comparison(
        full=RuleRow("full scale", unsolved, right, full, full_tokens, len(curves)),
        rows=tuple(rows[:-1]),
        m3=rows[-1],
        falling_pairs=pairs,
        falling_samples=samples,
        tries=independent_tries(curves, rng, threshold=threshold, permutations=permutations),
        guesser=guesser,
        guessed_gain=float((guesser.mean.accuracy - right) / gain) if gain > 0 else math.nan,
        known_accuracy=known,
        known_tokens=known_tokens,
        luck=luck,
    )


class _Statistics:
    """All that is resampled, as one vector of a resample's counts per sample."""

    def __init__(self, curves: Curves, labels: list[Labels], threshold: float) -> None:
        terms = [_terms(curves, own) for own in labels]
        self._table = np.hstack([_falls(curves), _full(curves), *terms])
        self._guesses = KnowsOrGuesses(curves, threshold)
        # Luck is told against right and wrong, as M3 counts; scores themselves may be soft.
        self._any_right = (curves.scores >= threshold).any(axis=1).astype(np.float64)

    def __call__(self, counts: FloatArray) -> FloatArray:
        """Return falls (2), the full scale (2), each oracle (2), what is known (2) and luck."""
        known = self._guesses.known(counts)
        luck = counts @ self._any_right / counts.sum() - known.accuracy
        return np.array([*_ratios(counts @ self._table), *known, luck])


def _every_rule(
    curves: Curves, unsolved: Unsolved, threshold: float, tolerance: float
) -> dict[str, Labels]:
    rules: list[Rule] = ["first_correct", "stable", "within_tolerance"]
    if (curves.answers != "").any():  # curves made from scores alone have no texts to compare
        rules.append("agrees_with_full")
    rules.append("expected")
    return {
        rule_word(rule, tolerance): label(curves, rule, unsolved, threshold, tolerance)
        for rule in rules
    }


def _falls(curves: Curves) -> FloatArray:
    """Return, per sample, falling pairs, pairs, whether one falls, and 1; shape [n, 4]."""
    more = np.diff(curves.num_visual_tokens, axis=1) > 0
    falls = (np.diff(curves.scores, axis=1) < 0) & more
    ones = np.ones(len(curves))
    return np.column_stack([falls.sum(axis=1), more.sum(axis=1), falls.any(axis=1), ones])


def _full(curves: Curves) -> FloatArray:
    """Return numerator and denominator of score and tokens at the full scale, shape [n, 4]."""
    ones = np.ones(len(curves))
    return np.column_stack([curves.scores[:, -1], ones, curves.num_visual_tokens[:, -1], ones])


def _terms(curves: Curves, labels: Labels) -> FloatArray:
    """Return numerator and denominator of score and tokens at the labels, shape [n, 4]."""
    at = (np.arange(len(curves)), labels.rungs)  # -1 of a dropped sample is multiplied by 0
    kept = labels.kept.astype(np.float64)
    score, tokens = curves.scores[at] * kept, curves.num_visual_tokens[at] * kept
    return np.column_stack([score, kept, tokens, kept])


def _ratios(sums: FloatArray) -> FloatArray:
    """Divide every even column by the one behind it; NaN where nothing counts."""
    below = sums[1::2]
    ratios = np.full(len(below), np.nan)
    np.divide(sums[::2], below, out=ratios, where=below > 0)
    return ratios
