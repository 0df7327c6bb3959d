"""Means and intervals of what was run, beside fixed scales of equal FLOPs and beside the curves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budget.bootstrap import Interval, intervals
from budget.budgets import Budget
from experiments.escalate.ways import BEFORE, FIXED, KEPT, FixedRuns, Outcome
from policies.escalation import ScoreEscalationPolicy
from policies.hull import FloatArray, hull_of
from policies.paid import pay
from policies.walks import Walks

if TYPE_CHECKING:
    from policies.answer_features import AnswerSigns


class Point(NamedTuple):
    """One way at one budget.

    Attributes:
        way: its name.
        budget: mean visual tokens that were asked for.
        accuracy: mean score, with its interval.
        flops: mean over that of the full scale, with its interval.
        tokens: mean visual tokens run, over all answers.
        tries: mean answers.
        most: the largest FLOPs of a sample over its full scale's.
        over_fixed: accuracy less what mixed fixed scales reach at equal FLOPs, in score units.
        over_before: likewise of the policy before any answer, mixed with the ends of the ladder.
        ms: wall time per sample.
    """

    way: str
    budget: float
    accuracy: tuple[float, Interval]
    flops: tuple[float, Interval]
    tokens: float
    tries: float
    most: float
    over_fixed: tuple[float, Interval]
    over_before: tuple[float, Interval]
    ms: float


class Foretold(NamedTuple):
    """What curves say that a budget comes to, beside what it came to.

    Attributes:
        way: its name.
        budget: mean visual tokens that were asked for.
        accuracy: mean score by the curves, all tries allowed.
        flops: by the curves, over the full scale's: each try of a way without a cache; with one
            the last, and for every other the text that the policy's rule knows to be read again.
        same_way: share of samples that were really given as many answers and the same score.
    """

    way: str
    budget: float
    accuracy: float
    flops: float
    same_way: float


def points_of(
    outcomes: Sequence[Outcome], rng: np.random.Generator, *, resamples: int
) -> list[Point]:
    """Return every way at every budget with 95 % intervals, paired over ways.

    Args:
        outcomes: of all ways, the fixed scales among them.
        rng: of the bootstrap.
        resamples: of the bootstrap.
    """
    scores = np.array([each.scores for each in outcomes])
    shares = np.array([each.flops for each in outcomes])
    full = outcomes[[each.way for each in outcomes].index(FIXED)].full_flops.mean()
    shares = shares / full
    ways = np.array([each.way for each in outcomes])

    def statistics(weights: FloatArray) -> FloatArray:
        total = weights.sum()
        accuracy, flops = scores @ weights / total, shares @ weights / total
        fixed = ways == FIXED
        ends = np.flatnonzero(fixed)[[0, -1]]
        before = np.union1d(np.flatnonzero(ways == BEFORE), ends)
        over = [
            accuracy - hull_of(flops[rows], accuracy[rows]).at_each(flops)
            for rows in (np.flatnonzero(fixed), before)
        ]
        return np.concatenate([accuracy, flops, *over])

    n, count = scores.shape[1], len(outcomes)
    found = statistics(np.ones(n)).reshape(4, count)
    reach = intervals(statistics, n, rng, resamples=resamples)

    def at(kind: int, i: int) -> tuple[float, Interval]:
        return float(found[kind, i]), reach[kind * count + i]

    return [
        Point(
            each.way,
            each.budget,
            at(0, i),
            at(1, i),
            float(each.tokens.mean()),
            float(each.tries.mean()),
            float((each.flops / each.full_flops).max()),
            at(2, i),
            at(3, i),
            each.ms,
        )
        for i, each in enumerate(outcomes)
    ]


def foretell(
    policy: ScoreEscalationPolicy,
    described: FloatArray,
    fixed: FixedRuns,
    outcomes: Sequence[Outcome],
    once_flops: float,
) -> list[Foretold]:
    """Return what an evaluation on curves says of every outcome of going up.

    Args:
        policy: that was run.
        described: what it saw of the samples before any answer.
        fixed: every question at every rung, which is what curves are.
        outcomes: of going up.
        once_flops: of a sample, paid once however many answers.
    """
    split = described.shape[1] - len(policy.ladder)
    signs: AnswerSigns = fixed.signs
    walks = Walks(policy.escalation.after, described[:, :split], described[:, split:], signs)
    scores = np.array([each.scores for each in fixed.outcomes]).T
    costs = np.array([each.flops for each in fixed.outcomes]).T - once_flops
    full = fixed.outcomes[-1].flops.mean()
    rows = []
    for each in outcomes:
        price = policy.escalation.price_of(Budget(mean_tokens=each.budget))
        visited = [walks.take(policy.escalation.rule, price)]
        paid = pay(
            visited,
            np.array([price]),
            costs,
            scores,
            kept_cache=each.way == KEPT,
            again=policy.escalation.rule.spending.again * costs[:, -1],
        )
        same = (paid.scores[0] == each.scores) & (visited[0].sum(axis=1) == each.tries)
        flops = float((paid.costs.mean() + once_flops) / full)
        rows.append(
            Foretold(each.way, each.budget, float(paid.scores.mean()), flops, float(same.mean()))
        )
    return rows


def as_json(points: Sequence[Point], foretold: Sequence[Foretold]) -> dict[str, Any]:
    """Return points and what curves say, as JSON keeps them."""

    def named(pair: tuple[float, Interval]) -> dict[str, float]:
        return {"value": pair[0], "low": pair[1].low, "high": pair[1].high}

    rows = []
    for point in points:
        row: dict[str, Any] = point._asdict()
        for name in ("accuracy", "flops", "over_fixed", "over_before"):
            row[name] = named(row[name])
        rows.append(row)
    return {"points": rows, "by_curves": [each._asdict() for each in foretold]}
