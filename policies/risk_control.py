"""Prices that keep a promise: the mean score is hardly under the full scale's, almost surely.

Learn-then-Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, arXiv 2110.01052): every price is
a hypothesis, "at this price more than epsilon is lost on average", tested on the calibration split
at level delta. Prices are tested from the safest up and the first that is not refuted ends it
(fixed-sequence testing), so that nothing is paid for how many there are. The price returned loses
more than epsilon with a probability of at most delta over the draw of the calibration split.

The prices tested are fixed beforehand; none is read off the split. They start below 0, where cost
is paid for: the first of them gives every sample the full scale, which loses nothing by definition.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.risk import Risk
from policies.allocation import check_tables, relative_costs
from policies.bounded_mean import bet_mean_at_most
from policies.budget_solver import PriceMix, choose_mixed
from policies.hull import FloatArray
from policies.risk_table import FULL_SCALE_PRICE, RiskPrice, RiskTable

RISK_PRICES: FloatArray = np.concatenate(
    [-np.geomspace(1.0, 1e-3, 13), [0.0], np.geomspace(1e-3, 100.0, 101)]
)
DEFAULT_RISKS = tuple(
    Risk(epsilon, delta) for epsilon in (0.005, 0.01, 0.02) for delta in (0.05, 0.1)
)


class PriceTrials(NamedTuple):
    """What every price of ``RISK_PRICES`` leads to on a split.

    Attributes:
        losses: full score less chosen score, in [-1, 1], shape [n, p].
        tokens: visual tokens per sample, shape [p].
    """

    losses: FloatArray
    tokens: FloatArray


def try_prices(
    expected: FloatArray, scores: FloatArray, costs: FloatArray, tokens: FloatArray
) -> PriceTrials:
    """Return losses and tokens of every price that is tested.

    Args:
        expected: predicted score of every rung, shape [n, k].
        scores: real score of every rung in [0, 1], shape [n, k].
        costs: what the price is paid on, shape [k] or [n, k].
        tokens: visual tokens of every rung, shape [k] or [n, k].

    Raises:
        ValueError: if the tables do not fit, or a score is outside [0, 1].
    """
    expected, costs = check_tables(expected, costs)
    scores = np.asarray(scores, dtype=np.float64)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(f"a risk needs scores in [0, 1], got {scores.min():g} to {scores.max():g}")
    relative, rows = relative_costs(costs), np.arange(len(scores))
    spent = np.broadcast_to(np.asarray(tokens, dtype=np.float64), scores.shape)
    rungs = [choose_mixed(expected, relative, PriceMix.single(p)) for p in RISK_PRICES.tolist()]
    return PriceTrials(
        np.stack([scores[:, -1] - scores[rows, r] for r in rungs], axis=1),
        np.array([spent[rows, r].mean() for r in rungs]),
    )


# Losses [n, p], a bound, a level and the largest loss possible: which columns keep the bound?
MeanTest = Callable[[FloatArray, float, float, float], NDArray[np.bool_]]


def _bet(losses: FloatArray, bound: float, delta: float, highest: float) -> NDArray[np.bool_]:
    return bet_mean_at_most(losses, bound, delta, highest=highest)


def last_kept(
    losses: FloatArray, risk: Risk, *, weights: FloatArray | None = None, test: MeanTest = _bet
) -> int:
    """Return the last column, from the first on, up to which all keep the promise; -1 for none.

    Args:
        losses: in [-1, 1], from the safest price to the cheapest, shape [n, p]; in random order.
        risk: the promise.
        weights: how much each sample counts, shape [n], 1 on average
            (:func:`policies.group_mix.mix_weights`).
        test: of the mean of bounded losses.
    """
    highest = 1.0
    if weights is not None:
        losses, highest = losses * weights[:, None], max(1.0, float(np.max(weights)))
    kept = test(losses, risk.epsilon, risk.delta, highest)
    return len(kept) - 1 if kept.all() else int(kept.argmin()) - 1


def last_kept_everywhere(losses: FloatArray, risk: Risk, groups: Sequence[str]) -> int:
    """Return the last column up to which every group keeps the promise for itself; -1 for none.

    What holds in every group holds under any mix of them. All groups must pass at the full level:
    the promise breaks only if that of a broken group was wrongly taken, which has probability
    delta at most however many groups there are (intersection-union test, Berger 1982).

    Args:
        losses: in [-1, 1], shape [n, p]; in random order.
        risk: the promise.
        groups: group of each sample, shape [n].
    """
    names = np.asarray(groups)
    return min(last_kept(losses[names == name], risk) for name in np.unique(names))


def calibrate_risks(
    expected: FloatArray,
    scores: FloatArray,
    costs: FloatArray,
    tokens: FloatArray,
    *,
    risks: Sequence[Risk] = DEFAULT_RISKS,
    weights: FloatArray | None = None,
    rng: np.random.Generator,
) -> RiskTable:
    """Return the price of every promise, found on a calibration split.

    Each promise holds for itself; that several hold at once has no more than the sum of their
    deltas against it.

    Args:
        expected: predicted score of every rung, shape [n, k].
        scores: real score of every rung in [0, 1], shape [n, k].
        costs: what the price is paid on, shape [k] or [n, k].
        tokens: visual tokens of every rung, shape [k] or [n, k].
        risks: the promises.
        weights: how much each sample counts, shape [n]; all the same by default.
        rng: shuffles the samples, as bets need an order that says nothing of the scores.

    Raises:
        ValueError: if the tables do not fit, or a score is outside [0, 1].
    """
    trials = try_prices(expected, scores, costs, tokens)
    full_tokens = float(np.mean(np.asarray(tokens, dtype=np.float64)[..., -1]))
    order = rng.permutation(len(trials.losses))
    shuffled = None if weights is None else np.asarray(weights)[order]
    found = []
    for risk in risks:
        at = last_kept(trials.losses[order], risk, weights=shuffled)
        found.append(_row(trials, risk, at, full_tokens))
    return RiskTable(tuple(found))


def _row(trials: PriceTrials, risk: Risk, at: int, full_tokens: float) -> RiskPrice:
    if at < 0:
        return RiskPrice(risk, FULL_SCALE_PRICE, full_tokens, 0.0)
    loss = float(trials.losses[:, at].mean())
    return RiskPrice(risk, float(RISK_PRICES[at]), float(trials.tokens[at]), loss)


def expected_risk_price(trials: PriceTrials, epsilon: float) -> float:
    """Return the largest price whose expected loss is at most ``epsilon``, without a confidence.

    Conformal risk control (Angelopoulos, Bates, Fisch, Lei and Schuster 2022, arXiv 2208.02814): on
    average over calibration splits too, the next request's expected loss is at most epsilon. It
    needs losses that do not fall as the price rises; each sample's are made so by the largest
    loss at any safer price, which costs some of the saving.

    Args:
        trials: from :func:`try_prices` on a calibration split.
        epsilon: score units.

    Returns:
        The price; ``FULL_SCALE_PRICE`` if no other is safe enough.
    """
    count = len(trials.losses)
    worst = np.maximum.accumulate(np.maximum(trials.losses, 0.0), axis=1)
    kept = (worst.sum(axis=0) + 1.0) / (count + 1) <= epsilon
    return float(RISK_PRICES[np.flatnonzero(kept)[-1]]) if kept.any() else FULL_SCALE_PRICE
