"""Metrics of frontiers: how much of the oracle's gain a policy keeps, and what that saves.

Wherever a policy is compared with fixed scales, the fixed scales are their hull: what mixing them
at random reaches at the same mean cost.
"""

from typing import NamedTuple

import numpy as np

from policies.allocation import Sweep
from policies.hull import FloatArray, Frontier, clipped, fixed_hull, log_area

__all__ = [
    "Frontier",
    "Gap",
    "aiq",
    "apgr",
    "fixed_frontier",
    "fixed_hull",
    "gap_closed_area",
    "gap_closed_at",
    "log_area",
    "nauc",
    "policy_frontier",
    "qnc",
    "recovery",
    "saving_at_equal_score",
]


def policy_frontier(
    expected: FloatArray, scores: FloatArray, costs: FloatArray, *, envelope: bool = False
) -> Frontier:
    """Return real mean score against mean cost as the price of a rule falls to 0.

    Args:
        expected: scores the rule chooses by, shape [n, k]: predictions, or for an oracle the real
            (any-correct) or the stable scores.
        scores: real scores, shape [n, k], counted at the chosen rungs.
        costs: cost of every rung, shape [k] or [n, k].
        envelope: take the concave hull of the points, which uses the real scores with hindsight.

    Returns:
        One point per distinct choice, cheapest first.
    """
    frontier = Sweep(expected, scores, costs).frontier()
    return frontier.envelope() if envelope else frontier


def fixed_frontier(scores: FloatArray, costs: FloatArray) -> Frontier:
    """Return the hull of the fixed scales of a table of scores [n, k] and costs [k] or [n, k]."""
    scores, costs = np.asarray(scores, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    return fixed_hull(costs if costs.ndim == 1 else costs.mean(axis=0), scores.mean(axis=0))


def gap_closed_at(cost: float, policy: Frontier, oracle: Frontier, hull: Frontier) -> float:
    """Return (policy - hull) / (oracle - hull), all at one mean cost.

    NaN where the oracle is not above the hull, as at the cheapest rung's cost.
    """
    base, best = hull.at(cost), oracle.at(cost)
    return (policy.at(cost) - base) / (best - base) if best - base > 1e-12 else float("nan")


def gap_closed_area(policy: Frontier, oracle: Frontier, hull: Frontier, full_cost: float) -> float:
    """Return the area of the policy over the hull divided by that of the oracle over the hull.

    Areas are exact integrals over the logarithm of the mean cost, from the hull's cheapest point
    to ``full_cost``; every frontier is linear between its points and flat past its last one.

    Args:
        policy: the frontier to judge.
        oracle: the frontier that counts as 1.
        hull: the frontier that counts as 0.
        full_cost: mean cost of the full scale, where the range ends.

    Returns:
        The ratio; NaN if the oracle encloses no area, or the cheapest point costs nothing.
    """
    low = float(hull.costs[0])
    if low <= 0:
        return float("nan")
    base = log_area(hull, low, full_cost)
    gap = log_area(oracle, low, full_cost) - base
    return (log_area(policy, low, full_cost) - base) / gap if gap > 1e-12 else float("nan")


class Gap(NamedTuple):
    """Gap-closed areas of one frontier.

    Attributes:
        stable: share of the stable oracle's area over the hull.
        any_correct: share of the any-correct oracle's area over the hull.
    """

    stable: float
    any_correct: float


def saving_at_equal_score(frontier: Frontier, score: float, full_cost: float) -> float:
    """Return 1 - (cost at which ``score`` is reached) / ``full_cost``; NaN if it is not reached.

    With the full scale's own score this is the share of its cost that is saved at no loss.
    """
    return 1.0 - frontier.cost_of(score) / full_cost


def recovery(policy: Frontier, oracle: Frontier, score: float, full_cost: float) -> float:
    """Return the policy's saving at ``score`` as a share of the oracle's saving at that score."""
    best = saving_at_equal_score(oracle, score, full_cost)
    return saving_at_equal_score(policy, score, full_cost) / best if best > 0 else float("nan")


def _linear_area(frontier: Frontier, low: float, high: float) -> float:
    """Return the integral of the score over the cost itself, the frontier flat past its end."""
    knots, values = clipped(frontier, low, high)
    return float(np.trapezoid(values, knots))


def apgr(frontier: Frontier, weak_score: float, strong_score: float, full_cost: float) -> float:
    """Return RouteLLM's average performance gap recovered, (AUC - weak) / (strong - weak).

    AUC is the mean score over costs from the cheapest point to ``full_cost``, linear axis; weak
    and strong are the scores of always the cheapest and always the full scale.
    """
    low = float(frontier.costs[0])
    if full_cost <= low or strong_score == weak_score:
        return float("nan")
    mean = _linear_area(frontier, low, full_cost) / (full_cost - low)
    return (mean - weak_score) / (strong_score - weak_score)


def aiq(frontier: Frontier, full_cost: float) -> float:
    """Return RouterBench's average improvement in quality.

    The area under the non-decreasing concave hull of the points, linear cost axis, divided by the
    cost range from the cheapest point to ``full_cost`` (as the paper says; its released code
    divides by the largest cost).
    """
    low = float(frontier.costs[0])
    if full_cost <= low:
        return float("nan")
    return _linear_area(frontier.envelope(), low, full_cost) / (full_cost - low)


def nauc(frontier: Frontier, full_cost: float) -> float:
    """Return MMR-Bench's normalised area: trapezoids under the Pareto points over the cost range.

    A Pareto point is one that no cheaper point matches; the last one's score holds to
    ``full_cost``.
    """
    low = float(frontier.costs[0])
    if full_cost <= low:
        return float("nan")
    best_before = np.maximum.accumulate(np.append(-np.inf, frontier.scores[:-1]))
    kept = frontier.scores > best_before
    pareto = Frontier(frontier.costs[kept], frontier.scores[kept], frontier.prices[kept])
    return _linear_area(pareto, low, full_cost) / (full_cost - low)


def qnc(frontier: Frontier, best_score: float, best_cost: float) -> float:
    """Return MMR-Bench's quality-neutral cost, NaN if the score is never reached.

    The cost at which the frontier first reaches the best single option's score, divided by that
    option's cost: under 1 is a saving.
    """
    return frontier.cost_of(best_score) / best_cost
