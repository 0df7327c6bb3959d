"""One table of what fixed scales, baselines, a policy and the oracles reach on the same samples."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from budget.stable import stable_scores
from policies.allocation import IntArray, choose_rungs, price_for_accuracy, solve_price
from policies.bootstrap import mean_interval
from policies.calibration import ALLOWED_DROPS
from policies.frontier import gap_closed_at, policy_frontier
from policies.gaps import GapInterval, GapMeter
from policies.hull import FloatArray, Frontier, fixed_hull
from policies.per_group import PerGroupScores
from policies.random_mix import best_mix


class EvaluationRow(NamedTuple):
    """One way to choose scales, and what it reaches.

    Attributes:
        name: of the way.
        accuracy: mean score in [0, 1].
        low: lower end of its bootstrap interval.
        high: upper end of its bootstrap interval.
        mean_tokens: visual tokens per sample.
        mean_flops: FLOPs per sample; NaN if unknown.
        mean_ms: measured milliseconds per sample; NaN if unknown.
        gap_closed_stable: share of the stable oracle's gain over random mixing at the row's own
            mean of tokens; NaN where that oracle gains nothing.
        gap_closed_any: the same for the any-correct oracle.
    """

    name: str
    accuracy: float
    low: float
    high: float
    mean_tokens: float
    mean_flops: float
    mean_ms: float
    gap_closed_stable: float
    gap_closed_any: float


class Measured(NamedTuple):
    """What was measured on the samples that are evaluated.

    Attributes:
        scores: real score of every rung, shape [n, k].
        tokens: visual tokens of every rung, shape [k], rising.
        flops: shape [n, k]; NaN where unknown.
        ms: milliseconds, shape [n, k]; NaN where unknown.
        groups: group of each sample, shape [n].
    """

    scores: FloatArray
    tokens: FloatArray
    flops: FloatArray
    ms: FloatArray
    groups: Sequence[str]


def measured(
    scores: FloatArray,
    tokens: FloatArray,
    *,
    groups: Sequence[str] | None = None,
    flops: FloatArray | None = None,
    ms: FloatArray | None = None,
) -> Measured:
    """Return checked measurements; what is not given is unknown.

    Raises:
        ValueError: if shapes do not fit or there are no samples.
    """
    scores, tokens = np.asarray(scores, dtype=float), np.asarray(tokens, dtype=float)
    if scores.ndim != 2 or not len(scores) or tokens.shape != scores.shape[1:]:
        raise ValueError(f"scores [n, k] and tokens [k]: got {scores.shape} and {tokens.shape}")
    names = [""] * len(scores) if groups is None else [str(group) for group in groups]
    if len(names) != len(scores):
        raise ValueError(f"{len(scores)} samples need as many groups, got {len(names)}")
    unknown = np.full(scores.shape, np.nan)
    return Measured(
        scores,
        tokens,
        unknown if flops is None else np.broadcast_to(flops, scores.shape),
        unknown if ms is None else np.broadcast_to(ms, scores.shape),
        names,
    )


class Evaluator:
    """Turns choices into rows, all on the same samples, oracles and hull.

    Args:
        data: what was measured on the samples.
        rng: draws of the bootstrap and of the random mix.
        resamples: of the bootstrap of the accuracy.
    """

    def __init__(self, data: Measured, rng: np.random.Generator, *, resamples: int = 1000) -> None:
        self.data = data
        self.hull = fixed_hull(data.tokens, data.scores.mean(axis=0))
        self.stable = self.frontier(stable_scores(data.scores))
        self.any_correct = self.frontier(data.scores)
        self._rng = rng
        self._resamples = resamples

    def frontier(self, expected: FloatArray) -> Frontier:
        """Return mean score against mean tokens for a rule that chooses by ``expected`` [n, k]."""
        return policy_frontier(expected, self.data.scores, self.data.tokens)

    def row(self, name: str, rungs: IntArray, extra_ms: float = 0.0) -> EvaluationRow:
        """Return the row of chosen rungs, shape [n].

        Args:
            name: of the row.
            rungs: chosen rung of each sample.
            extra_ms: milliseconds per sample that choosing takes.
        """
        rows = np.arange(len(rungs))
        picked = self.data.scores[rows, rungs]
        low, high = mean_interval(picked, self._rng, resamples=self._resamples)
        accuracy, tokens = float(picked.mean()), float(self.data.tokens[rungs].mean())
        reached = Frontier(np.array([tokens]), np.array([accuracy]), np.array([np.nan]))
        return EvaluationRow(
            name=name,
            accuracy=accuracy,
            low=low,
            high=high,
            mean_tokens=tokens,
            mean_flops=float(self.data.flops[rows, rungs].mean()),
            mean_ms=float(self.data.ms[rows, rungs].mean()) + extra_ms,
            gap_closed_stable=gap_closed_at(tokens, reached, self.stable, self.hull),
            gap_closed_any=gap_closed_at(tokens, reached, self.any_correct, self.hull),
        )

    def mix(self, mean_tokens: float) -> IntArray:
        """Return rungs of the best random mix of fixed scales at a mean of visual tokens."""
        low, high, share = best_mix(self.data.tokens, self.data.scores.mean(axis=0), mean_tokens)
        num_samples = len(self.data.scores)
        # Exactly the share, not on average: only who gets the dearer rung is left to chance.
        rungs = np.where(np.arange(num_samples) < round(share * num_samples), high, low)
        return self._rng.permutation(rungs).astype(np.int64)


def evaluate(
    data: Measured,
    *,
    expected: FloatArray,
    prices: Mapping[str, float],
    price_costs: FloatArray | None = None,
    group_expected: FloatArray | None = None,
    group_price: float | None = None,
    decision_ms: float = 0.0,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> list[EvaluationRow]:
    """Return rows: fixed scales, random mix, per-group fixed, the policy at its prices, oracles.

    The random mix spends what the policy spends at its first price, and is chosen with the fixed
    scales' scores on these very samples, which favours it.

    Args:
        data: what was measured on the samples.
        expected: the policy's predictions, shape [n, k].
        prices: of the policy, by name, at least one.
        price_costs: what the price is paid on, shape [k]; visual tokens by default.
        group_expected: predictions of :class:`PerGroupScores` fitted on other samples, [n, k];
            without them there is no such row.
        group_price: price of the per-group baseline; by default the one with which it spends,
            on these samples, what the policy spends at its first price.
        decision_ms: milliseconds per sample that the policy's decision takes.
        rng: draws of the bootstrap and of the random mix.
        resamples: of the bootstrap.
    """
    evaluator = Evaluator(data, rng, resamples=resamples)
    costs = data.tokens if price_costs is None else price_costs
    chosen = {name: choose_rungs(expected, costs, price) for name, price in prices.items()}
    spent = float(data.tokens[next(iter(chosen.values()))].mean())
    num_samples = len(data.scores)
    rows = [
        evaluator.row(f"fixed {int(m)}", np.full(num_samples, rung, dtype=np.int64))
        for rung, m in enumerate(data.tokens)
    ]
    rows.append(evaluator.row("random mix", evaluator.mix(spent)))
    if group_expected is not None:
        if group_price is None:
            group_price = solve_price(group_expected, data.tokens, spent)
        rungs = choose_rungs(group_expected, data.tokens, group_price)
        rows.append(evaluator.row("per-group fixed", rungs))
    rows += [evaluator.row(f"policy, {name}", r, decision_ms) for name, r in chosen.items()]
    for name, truth in (("stable", stable_scores(data.scores)), ("any correct", data.scores)):
        rungs = choose_rungs(truth, data.tokens, 0.0)
        rows.append(evaluator.row(f"oracle, {name}", rungs))
    return rows


def gap_areas(
    data: Measured,
    rules: Mapping[str, FloatArray],
    *,
    rng: np.random.Generator,
    resamples: int = 200,
) -> dict[str, GapInterval]:
    """Return, by name, how much of the oracles' area over the hull each rule closes.

    Args:
        data: what was measured on the samples.
        rules: predictions that each rule chooses by, shape [n, k] each.
        rng: draws of the bootstrap.
        resamples: of the bootstrap.
    """
    meter = GapMeter(data.scores, data.tokens)
    return {
        name: meter.measure_with_interval(expected, rng, resamples=resamples)
        for name, expected in rules.items()
    }


def group_baseline(
    fit_groups: Sequence[str],
    fit_scores: FloatArray,
    groups: Sequence[str],
    tokens: FloatArray,
    *,
    allowed_drop: float = ALLOWED_DROPS["no-loss"],
) -> tuple[FloatArray, float]:
    """Return the per-group baseline's predictions [n, k] and its price for an allowed drop.

    Args:
        fit_groups: groups of the samples that it learns from.
        fit_scores: their real scores, shape [m, k].
        groups: groups of the samples to predict, shape [n].
        tokens: visual tokens of every rung, shape [k].
        allowed_drop: score units that may be lost on the samples it learns from.
    """
    learned = PerGroupScores().fit(fit_groups, fit_scores)
    price = price_for_accuracy(learned.predict(fit_groups), fit_scores, tokens, allowed_drop)
    return learned.predict(groups), price
