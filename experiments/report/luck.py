"""How much of what an oracle gains is luck, as the report tells it."""

from typing import NamedTuple

import numpy as np

from budget.bootstrap import intervals
from experiments.report.section import Value
from experiments.report.verdicts import around
from oracle.curves import Curves
from oracle.luck import KnowsOrGuesses, lucky_guesser
from policies.hull import FloatArray

_PERMUTATIONS = 50


class Luck(NamedTuple):
    """Luck among the any-correct oracle's answers, all in shares of right samples.

    Attributes:
        any_right: share that some scale answers right.
        gain: ``any_right`` less the share that the full scale answers right.
        guessed: the part of ``gain`` that one reaches who guesses wherever a larger scale is
            wrong, with where 95 % of the permutations lie; NaN where there is no gain.
        known: ``any_right`` once corrected for guessing.
        luck: ``any_right`` less ``known``.
    """

    any_right: Value
    gain: Value
    guessed: Value
    known: Value
    luck: Value


def measure_luck(
    curves: Curves,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    threshold: float = 0.5,
    permutations: int = _PERMUTATIONS,
) -> Luck:
    """Return how much of the any-correct oracle is luck, see :mod:`oracle.luck`.

    Args:
        curves: scores at every rung.
        rng: where resamples and permutations come from.
        resamples: how many times the samples are drawn anew.
        threshold: score from which an answer counts as right.
        permutations: how often the guesser's answers are shuffled.
    """
    right = curves.scores >= threshold
    some, full = right.any(axis=1).astype(np.float64), right[:, -1].astype(np.float64)
    model = KnowsOrGuesses(curves, threshold)

    def statistics(counts: FloatArray) -> FloatArray:
        total = counts.sum()
        reach, last = counts @ some / total, counts @ full / total
        known = model.known(counts).accuracy
        return np.array([reach, reach - last, known, reach - known])

    spans = intervals(statistics, len(curves), rng, resamples=resamples)
    own = statistics(np.ones(len(curves))).tolist()
    any_right, gain, known, luck = (around(x, *span) for x, span in zip(own, spans, strict=True))
    guesser = lucky_guesser(curves, rng, threshold=threshold, permutations=permutations)
    guessed = [
        (reached - full.mean()) / gain.value if gain.value > 0 else float("nan")
        for reached in (guesser.mean.accuracy, *guesser.accuracy)
    ]
    return Luck(any_right, gain, Value(*map(float, guessed)), known, luck)
