"""What a policy closes of the gap within each group."""

from typing import NamedTuple

import numpy as np

from budget.bootstrap import interval
from budget.stable import stable_scores
from experiments.report.assessment import bounded, chosen_rungs
from experiments.report.runs import PolicyChoices, Run
from experiments.report.section import Value
from experiments.report.verdicts import NO_VALUE, around
from oracle.resampled import estimate, resampled_means
from policies.allocation import IntArray
from policies.coarse_sweep import CoarsePath, CoarseSweep
from policies.frontier import gap_closed_area
from policies.hull import FloatArray, hull_of
from policies.rung_means import column_means

# Groups are many and small: their frontiers need fewer points.
_POINTS = 300


class GroupGap(NamedTuple):
    """A policy on one group's samples.

    Attributes:
        policy: its name.
        group: the group's name.
        n: samples.
        closed: share of the stable oracle's gain over mixing fixed scales at random that the
            policy keeps over all budgets, as if the group were served alone; NaN where that oracle
            gains nothing.
        accuracy: at the policy's own price, which all groups share.
        tokens: visual tokens per sample there.
        lost: accuracy of the full scale less ``accuracy``.
    """

    policy: str
    group: str
    n: int
    closed: Value
    accuracy: Value
    tokens: Value
    lost: Value


def group_gaps(
    run: Run, policy: PolicyChoices, rng: np.random.Generator, *, resamples: int
) -> list[GroupGap]:
    """Return what a policy does in every group, by the groups' names.

    Args:
        run: the oracle run.
        policy: whose choices.
        rng: where the resamples come from.
        resamples: how many times each group's samples are drawn anew.
    """
    names = np.unique(run.curves.groups).tolist()
    rungs = chosen_rungs(policy)
    return [
        _gap(run, policy, str(name), rungs, rng, bounded(resamples, run.curves.scores.size))
        for name in names
    ]


def _gap(
    run: Run,
    policy: PolicyChoices,
    name: str,
    rungs: IntArray,
    rng: np.random.Generator,
    resamples: int,
) -> GroupGap:
    rows = np.flatnonzero(run.curves.groups == name)
    scores = run.curves.scores[rows]
    tokens = run.curves.num_visual_tokens[rows].astype(np.float64)
    at = (np.arange(len(rows)), rungs[rows])
    picked, spent = scores[at], tokens[at]
    table = np.column_stack([picked, spent, scores[:, -1] - picked])
    drawn = resampled_means(table, rng, resamples=resamples)
    bounds = ((0.0, 1.0), (0.0, float(tokens.max())), (-1.0, 1.0))
    accuracy, mean_tokens, lost = (
        Value(*estimate(float(own.mean()), each, len(rows), bounds=bound))
        for own, each, bound in zip(table.T, drawn.T, bounds, strict=True)
    )
    closed = _closed(scores, tokens, policy, rows, rng, resamples)
    return GroupGap(policy.name, name, len(rows), closed, accuracy, mean_tokens, lost)


def _closed(
    scores: FloatArray,
    tokens: FloatArray,
    policy: PolicyChoices,
    rows: IntArray,
    rng: np.random.Generator,
    resamples: int,
) -> Value:
    if not tokens[:, 0].any():
        return NO_VALUE  # a logarithmic axis has no place for samples without images
    own, oracle = (
        CoarseSweep(CoarsePath(expected, by, most_points=_POINTS), scores, tokens)
        for expected, by in (
            (policy.expected[rows], policy.rung_costs),
            (stable_scores(scores), tokens),
        )
    )

    def closed(weights: FloatArray) -> float:
        costs = column_means(tokens, weights)
        hull = hull_of(costs, weights @ scores / weights.sum())
        frontiers = own.frontier(weights), oracle.frontier(weights)
        return gap_closed_area(*frontiers, hull, float(costs.max()))

    value = closed(np.ones(len(scores)))
    return around(value, *interval(closed, len(scores), rng, resamples=resamples))
