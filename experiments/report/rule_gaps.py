"""What the oracle of every rule gains over the best fixed scale, and over mixing at random."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from budget.bootstrap import percentiles
from budget.errors import DataError
from experiments.report.section import Value
from experiments.report.verdicts import around
from oracle.curves import Curves
from oracle.labels import Rule, Unsolved, label, rule_word
from oracle.resampled import estimate, resampled_means
from policies.allocation import IntArray
from policies.hull import FloatArray, hull_of

_NONE = Value(0.0, 0.0, 0.0)
CHARGES: tuple[Unsolved, ...] = ("cheapest", "full")


class RuleGap(NamedTuple):
    """One oracle against fixed scales.

    Attributes:
        rule: its word, e.g. ``"first-correct"``.
        unsolved: what a sample that no rung solves is charged.
        solved: share of samples that the rule solves.
        accuracy: mean score, unsolved samples included.
        tokens: visual tokens per sample.
        over_best: its accuracy less that of the best fixed scale.
        over_mix: its accuracy less that of the best random mix of fixed scales at the same mean
            of tokens; at the cheapest scale's where it spends less than that.
        tokens_saved: 1 less its tokens over those of the best fixed scale.
    """

    rule: str
    unsolved: Unsolved
    solved: float
    accuracy: Value
    tokens: Value
    over_best: Value
    over_mix: Value
    tokens_saved: Value


class Gaps(NamedTuple):
    """The oracles of all rules, and the fixed scales that they are held against.

    Attributes:
        best: rung of the best fixed scale, the cheapest of equally good ones.
        accuracy: of every fixed scale, length k.
        tokens: visual tokens that every rung really takes on average, length k.
        rules: two an oracle, unsolved samples charged the cheapest and the full scale.
        n: samples.
    """

    best: int
    accuracy: tuple[Value, ...]
    tokens: tuple[float, ...]
    rules: tuple[RuleGap, ...]
    n: int

    def get(self, rule: str, unsolved: Unsolved = "cheapest") -> RuleGap:
        """Return the oracle of a rule."""
        return next(r for r in self.rules if (r.rule, r.unsolved) == (rule, unsolved))


def measure_gaps(
    curves: Curves,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    threshold: float = 0.5,
    tolerance: float = 0.1,
) -> Gaps:
    """Return what every rule's oracle gains, all over the same resamples of the samples.

    The best fixed scale and the mixes are chosen on these very samples. The best scale is held
    fixed in the resamples, so that its intervals are those of one named scale; mixes are not.

    Args:
        curves: scores, answers and tokens at every rung.
        rng: where the resamples come from.
        resamples: how many times the samples are drawn anew.
        threshold: score from which an answer counts as right.
        tolerance: for the rule ``within``, score a sample may lose against its best rung.

    Raises:
        DataError: if no sample has a visual token.
    """
    scores, tokens = curves.scores, curves.num_visual_tokens.astype(np.float64)
    if not tokens[:, -1].any():
        raise DataError("no sample has a visual token at the full scale; nothing can be saved")
    found = rule_rungs(curves, threshold, tolerance)
    ways = [
        (word, charge, rungs >= 0, np.where(rungs >= 0, rungs, stand_in))
        for word, rungs in found.items()
        for charge, stand_in in zip(CHARGES, (0, curves.num_rungs - 1), strict=True)
    ]
    rows = np.arange(len(curves))
    columns = [
        column for *_, rungs in ways for column in (scores[rows, rungs], tokens[rows, rungs])
    ]
    table = np.column_stack([scores, tokens, *columns])
    drawn = np.vstack([table.mean(axis=0), resampled_means(table, rng, resamples=resamples)])
    k, n = curves.num_rungs, len(curves)
    best = int(np.argmax(drawn[0, :k]))
    own = drawn[:, 2 * k :].reshape(len(drawn), -1, 2)
    full_is_best = _full_is_best(scores, best)
    mixes = _mixes(drawn[:, :k], drawn[:, k : 2 * k], own[..., 1])
    return Gaps(
        best,
        tuple(_value(drawn[:, rung], n) for rung in range(k)),
        tuple(drawn[0, k : 2 * k].tolist()),
        tuple(
            RuleGap(
                word,
                charge,
                float(solved.mean()),
                _value(own[:, i, 0], n),
                _value(own[:, i, 1], n, (0.0, float(tokens.max()))),
                _NONE
                if no_loss and charge == "full"
                else _value(own[:, i, 0] - drawn[:, best], n, (0.0 if no_loss else -1.0, 1.0)),
                _value(own[:, i, 0] - mixes[:, i], n, (-1.0, 1.0)),
                _ratio(1 - own[:, i, 1] / drawn[:, k + best]),
            )
            for i, (word, charge, solved, _) in enumerate(ways)
            for no_loss in [word == "stable" and full_is_best]
        ),
        n,
    )


def rule_rungs(
    curves: Curves, threshold: float = 0.5, tolerance: float = 0.1
) -> Mapping[str, IntArray]:
    """Return the rung of every sample by every rule that these curves allow, -1 if unsolved.

    Args:
        curves: scores and answers at every rung.
        threshold: score from which an answer counts as right.
        tolerance: for the rule ``within``.

    Returns:
        Rungs with shape [n] by the rule's word, the stable rule first.
    """
    rules: list[Rule] = ["stable", "first_correct", "within_tolerance"]
    if (curves.answers != "").any():  # curves made from scores alone have no texts to compare
        rules.append("agrees_with_full")
    rules.append("expected")
    return {
        rule_word(rule, tolerance): label(curves, rule, "drop", threshold, tolerance).rungs
        for rule in rules
    }


def _mixes(scores: FloatArray, tokens: FloatArray, spent: FloatArray) -> FloatArray:
    """Return what the best random mix of fixed scales reaches with the tokens ``spent`` [r, w]."""
    pairs = zip(tokens, scores, spent, strict=True)
    return np.array([hull_of(cost, mean).at_each(at) for cost, mean, at in pairs])


def _full_is_best(scores: FloatArray, best: int) -> bool:
    """Return whether the stable oracle is right where the best fixed scale is, by definition."""
    return best == scores.shape[1] - 1 and bool(np.isin(scores, (0.0, 1.0)).all())


def _ratio(drawn: FloatArray) -> Value:
    low, high = percentiles(drawn[1:], 0.95)
    return around(float(drawn[0]), low, high)


def _value(drawn: FloatArray, n: int, bounds: tuple[float, float] = (0.0, 1.0)) -> Value:
    """Return a value, which stands first, with the interval of the resamples behind it."""
    return Value(*estimate(float(drawn[0]), drawn[1:], n, bounds=bounds))
