"""One table of what fixed scales, baselines, a policy and the oracles reach on the same samples."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from budget.stable import stable_scores
from policies.allocation import IntArray, Sweep, choose_rungs, solve_price
from policies.bootstrap import mean_interval
from policies.frontier import gap_closed_at
from policies.gaps import GapInterval, GapMeter
from policies.hull import FloatArray, Frontier, hull_of
from policies.random_mix import best_mix
from policies.rung_means import column_means, rung_means


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
        tokens: visual tokens that each sample took at every rung, shape [n, k].
        flops: shape [n, k]; NaN where unknown.
        ms: milliseconds, shape [n, k]; NaN where unknown.
        groups: group of each sample, shape [n].
        scales: names of the rungs, length k.
    """

    scores: FloatArray
    tokens: FloatArray
    flops: FloatArray
    ms: FloatArray
    groups: Sequence[str]
    scales: Sequence[int]

    @property
    def rung_tokens(self) -> FloatArray:
        """What every rung is planned to cost: mean visual tokens, strictly rising, shape [k]."""
        return rung_means(self.tokens)

    @property
    def full_tokens(self) -> float:
        """Mean visual tokens at the last rung; an integer where it is one."""
        mean = float(column_means(self.tokens)[-1])
        return int(mean) if mean.is_integer() else mean


def measured(
    scores: FloatArray,
    tokens: ArrayLike,
    *,
    groups: Sequence[str] | None = None,
    flops: FloatArray | None = None,
    ms: FloatArray | None = None,
    scales: Sequence[int] | None = None,
) -> Measured:
    """Return checked measurements; what is not given is unknown.

    Args:
        scores: real score of every rung, shape [n, k].
        tokens: visual tokens of every rung, shape [k], or of every sample at it, shape [n, k].
        groups: group of each sample; all the same by default.
        flops: of every rung, shape [k] or [n, k].
        ms: milliseconds, likewise.
        scales: names of the rungs; by default their mean tokens.

    Raises:
        ValueError: if shapes do not fit or there are no samples.
    """
    scores, paid = np.asarray(scores, dtype=float), np.asarray(tokens, dtype=float)
    fits = scores.ndim == 2 and paid.shape in (scores.shape, scores.shape[1:])
    if not fits or not len(scores):
        raise ValueError(
            f"scores [n, k] and tokens [k] or [n, k]: got {scores.shape} and {paid.shape}"
        )
    paid = np.broadcast_to(paid, scores.shape)
    names = [""] * len(scores) if groups is None else [str(group) for group in groups]
    if len(names) != len(scores):
        raise ValueError(f"{len(scores)} samples need as many groups, got {len(names)}")
    unknown = np.full(scores.shape, np.nan)
    return Measured(
        scores,
        paid,
        unknown if flops is None else np.broadcast_to(flops, scores.shape),
        unknown if ms is None else np.broadcast_to(ms, scores.shape),
        names,
        tuple(int(m) for m in (column_means(paid) if scales is None else scales)),
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
        self.hull = hull_of(column_means(data.tokens), data.scores.mean(axis=0))
        # Who knows what comes out also knows what it costs.
        self.stable = self.frontier(stable_scores(data.scores), data.tokens)
        self.any_correct = self.frontier(data.scores, data.tokens)
        self._rng = rng
        self._resamples = resamples

    def frontier(self, expected: FloatArray, chosen_by: FloatArray | None = None) -> Frontier:
        """Return mean score against mean tokens for a rule that chooses by ``expected`` [n, k].

        Args:
            expected: what the rule believes.
            chosen_by: what it believes that every rung costs, shape [k] or [n, k]; by default mean
                tokens. All pay what each sample really takes.
        """
        by = self.data.rung_tokens if chosen_by is None else chosen_by
        return Sweep(expected, self.data.scores, by, paid=self.data.tokens).frontier()

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
        accuracy, tokens = float(picked.mean()), float(self.data.tokens[rows, rungs].mean())
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
        costs = self.data.rung_tokens
        scores = self.data.scores.mean(axis=0)
        low, high, share = best_mix(costs, scores, max(mean_tokens, float(costs[0])))
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
    group_costs: FloatArray | None = None,
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
        price_costs: what the price is paid on, shape [k]; mean visual tokens by default.
        group_expected: predictions of :class:`policies.per_group.PerGroupScores` fitted on other
            samples, [n, k]; without them there is no such row.
        group_costs: mean visual tokens of each sample's group on these, [n, k]; by default the
            means of all samples.
        group_price: price of the per-group baseline; by default the one with which it spends,
            on these samples, what the policy spends at its first price.
        decision_ms: milliseconds per sample that the policy's decision takes.
        rng: draws of the bootstrap and of the random mix.
        resamples: of the bootstrap.
    """
    evaluator = Evaluator(data, rng, resamples=resamples)
    costs = data.rung_tokens if price_costs is None else price_costs
    chosen = {name: choose_rungs(expected, costs, price) for name, price in prices.items()}
    num_samples = len(data.scores)
    spent = float(data.tokens[np.arange(num_samples), next(iter(chosen.values()))].mean())
    rows = [
        evaluator.row(f"fixed {m}", np.full(num_samples, rung, dtype=np.int64))
        for rung, m in enumerate(data.scales)
    ]
    rows.append(evaluator.row("random mix", evaluator.mix(spent)))
    if group_expected is not None:
        by = data.rung_tokens if group_costs is None else group_costs
        if group_price is None:
            group_price = solve_price(group_expected, by, spent, paid=data.tokens)
        rungs = choose_rungs(group_expected, by, group_price)
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
    meter = GapMeter(data.scores, data.tokens, chosen_by=data.rung_tokens)
    return {
        name: meter.measure_with_interval(expected, rng, resamples=resamples)
        for name, expected in rules.items()
    }
