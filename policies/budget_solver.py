"""Prices that meet a mean cost exactly, in any unit.

As the price falls, the mean cost of the choices climbs in steps: every sample moves at a price of
its own, and samples of equal predictions move together. A budget inside a step is met by two
prices, one on each side of it: a share of the requests pays the lower one. As only the samples tied
at the step choose differently at the two, this is the same as to split that tie.

Which requests those are is a draw in [0, 1) per request, by default a hash of its features: the
same image and question always get the same scale, in any batch.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from budget.choice_path import worthiest
from policies.allocation import IntArray, Sweep, check_tables, relative_costs
from policies.hull import FloatArray

# Steps of the golden ratio fill [0, 1) evenly however many there are.
_GOLDEN = (5**0.5 - 1) / 2


class PriceMix(NamedTuple):
    """Two prices, and which share of the requests pays the lower one.

    Attributes:
        price: what most requests pay, score units per cost of the full rung.
        lower: what the others pay, at most ``price``; they are given more.
        share: of the requests that pay ``lower``, in [0, 1).
    """

    price: float
    lower: float
    share: float

    @classmethod
    def single(cls, price: float) -> "PriceMix":
        """Return one price for all."""
        return cls(price, price, 0.0)


def solve_mix(prices: FloatArray, mean_costs: FloatArray, budget: float) -> PriceMix:
    """Return the mix of two neighbouring prices whose mean cost is ``budget``.

    Args:
        prices: falling, shape [r], one inside every step-free stretch.
        mean_costs: mean cost of the choices at each, rising, shape [r], in any unit.
        budget: mean cost to meet, in that unit. More than the last mean is not spent: at price 0
            every sample already has what is expected to be best.

    Raises:
        ValueError: if not even the dearest price stays within the budget.

    Example:
        >>> solve_mix(np.array([0.2, 0.1, 0.0]), np.array([1.0, 4.0, 9.0]), 3.0)
        PriceMix(price=0.2, lower=0.1, share=0.6666666666666666)
    """
    # A budget that a rounding error has put under a step is that step.
    within = np.flatnonzero(mean_costs <= budget * (1 + 1e-12))
    if within.size == 0:
        raise ValueError(f"must be at least {mean_costs[0]:g}, got {budget:g}")
    at = int(within[-1])
    if at == len(prices) - 1 or mean_costs[at] >= budget:
        return PriceMix.single(float(prices[at]))
    share = (budget - mean_costs[at]) / (mean_costs[at + 1] - mean_costs[at])
    return PriceMix(float(prices[at]), float(prices[at + 1]), float(share))


def choose_mixed(
    scores: FloatArray, relative: FloatArray, mix: PriceMix, draws: FloatArray | None = None
) -> IntArray:
    """Return rungs at a mix of prices; nothing is checked, as this runs for every request.

    Args:
        scores: expected score of every rung, shape [n, k].
        relative: costs over that of the full rung, shape [k] or [n, k].
        mix: of two prices; below 0 they pay for cost.
        draws: in [0, 1), shape [n]; who draws less than the share pays the lower price. By default
            they are spread evenly over the rows.
    """
    rungs = worthiest(scores, relative, mix.price)
    if mix.share == 0:
        return rungs
    draws = spread_draws(len(scores)) if draws is None else draws
    lower = worthiest(scores, relative, mix.lower)
    return np.where(draws < mix.share, lower, rungs)


def hash_draws(table: FloatArray) -> FloatArray:
    """Return a draw in [0, 1) per row of features [n, d], always the same for the same row."""
    rows = np.ascontiguousarray(table, dtype=np.float64)
    digests = b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows)
    # The upper 53 bits are what a float holds exactly, so that no draw is rounded up to 1.
    draws: FloatArray = (np.frombuffer(digests, dtype="<u8") >> 11).astype(np.float64) / 2.0**53
    return draws


def spread_draws(count: int) -> FloatArray:
    """Return draws of which any share is met within a few rows, shape [count]."""
    draws: FloatArray = np.arange(count, dtype=np.float64) * _GOLDEN % 1.0
    return draws


class BudgetMeeting(NamedTuple):
    """One budget, and what is spent with the prices that were solved for it.

    Attributes:
        budget: mean cost asked for.
        mix: the prices.
        calibration_error: mean cost on the calibration split less the budget, in its unit; 0 to
            rounding, negative only where all that is of use costs less.
        test_cost: mean cost on other samples.
        test_error: ``test_cost`` over ``budget``, less 1.
        test_score: mean real score on those samples.
    """

    budget: float
    mix: PriceMix
    calibration_error: float
    test_cost: float
    test_error: float
    test_score: float


class SplitCosts(NamedTuple):
    """One split: what is expected, what happens, and what is paid.

    Attributes:
        expected: predicted score of every rung, shape [n, k].
        scores: real score of every rung, shape [n, k].
        costs: of every rung in the budget's unit, shape [k] or [n, k].
    """

    expected: FloatArray
    scores: FloatArray
    costs: FloatArray


def meet_budgets(
    calibration: SplitCosts,
    test: SplitCosts,
    price_costs: FloatArray,
    budgets: Sequence[float],
) -> list[BudgetMeeting]:
    """Return how well budgets solved on one split are met there and on another.

    Args:
        calibration: the split that prices are solved on.
        test: other samples.
        price_costs: what the price is paid on, shape [k], in any unit of its own.
        budgets: mean costs, in the unit of the splits' costs.

    Raises:
        ValueError: if a budget is below the cheapest rung's cost.
    """
    return [_meet(calibration, test, price_costs, budget) for budget in budgets]


def _meet(
    calibration: SplitCosts, test: SplitCosts, price_costs: FloatArray, budget: float
) -> BudgetMeeting:
    paid = np.broadcast_to(calibration.costs, calibration.scores.shape)
    steps = Sweep(calibration.expected, paid, price_costs).frontier()
    mix = solve_mix(steps.prices, steps.scores, budget)
    spent = mixed_mean(calibration, price_costs, mix, calibration.costs)
    test_cost = mixed_mean(test, price_costs, mix, test.costs)
    score = mixed_mean(test, price_costs, mix, test.scores)
    return BudgetMeeting(budget, mix, spent - budget, test_cost, test_cost / budget - 1, score)


def mixed_mean(
    split: SplitCosts, price_costs: FloatArray, mix: PriceMix, values: FloatArray
) -> float:
    """Return the mean of values [k] or [n, k] at the choices of a mix, over its draws."""
    scores, costs = check_tables(split.expected, price_costs)
    relative, rows = relative_costs(costs), np.arange(len(scores))
    table = np.broadcast_to(values, scores.shape)
    at_price, at_lower = (
        float(table[rows, choose_mixed(scores, relative, PriceMix.single(price))].mean())
        for price in (mix.price, mix.lower)
    )
    return at_price + mix.share * (at_lower - at_price)
