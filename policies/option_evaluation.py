"""What single options, baselines, a policy and the oracles reach on the held-out share of a table.

All pay each sample's real costs. Rules choose by mean costs, as real ones are known only
afterwards; the oracles know these too. "Stable" means what it means on a ladder: an option counts
where it and every dearer one is right. Between scales of one model that is what luck leaves over;
between different models it asks much, and its oracle may gain nothing at all (then NaN).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from budget.stable import stable_scores
from policies.allocation import IntArray, Sweep, choose_rungs, solve_price
from policies.bootstrap import mean_interval
from policies.frontier import aiq, apgr, gap_closed_at, nauc, qnc, recovery
from policies.gaps import GapInterval, GapMeter
from policies.hull import FloatArray, Frontier, hull_of
from policies.option_table import OptionTable, mean_costs
from policies.random_mix import best_mix


class OptionRow(NamedTuple):
    """One way to choose options, and what it reaches.

    Attributes:
        name: of the way.
        score: mean score in [0, 1].
        low: lower end of its bootstrap interval.
        high: upper end of its bootstrap interval.
        mean_cost: what a sample really cost on average, in the table's unit.
        gap_closed_stable: share of the stable oracle's gain over mixing single options at random,
            at the row's own mean cost; NaN where that oracle gains nothing.
        gap_closed_any: the same for the any-correct oracle.
    """

    name: str
    score: float
    low: float
    high: float
    mean_cost: float
    gap_closed_stable: float
    gap_closed_any: float


class OptionEvaluator:
    """Turns choices into rows, all on the same samples, oracles and hull.

    Args:
        table: the held-out share, options in the policy's order.
        costs: what every option is believed to cost, rising, shape [k].
        rng: draws of the bootstrap and of the random mix.
        resamples: of the bootstrap of the score.
    """

    def __init__(
        self,
        table: OptionTable,
        costs: FloatArray,
        rng: np.random.Generator,
        *,
        resamples: int = 1000,
    ) -> None:
        self.table = table
        self.costs = costs
        self.option_costs = table.costs.mean(axis=0)
        self.option_scores = table.scores.mean(axis=0)
        self.hull = hull_of(self.option_costs, self.option_scores)
        scores, paid = table.scores, table.costs
        self.stable = Sweep(stable_scores(scores), scores, paid).frontier()
        self.any_correct = Sweep(scores, scores, paid).frontier()
        self._rng = rng
        self._resamples = resamples

    def frontier(self, expected: FloatArray) -> Frontier:
        """Return mean score against mean real cost of a rule that chooses by ``expected``."""
        return Sweep(expected, self.table.scores, self.costs, paid=self.table.costs).frontier()

    def row(self, name: str, chosen: IntArray) -> OptionRow:
        """Return the row of chosen options, shape [n]."""
        rows = np.arange(len(chosen))
        picked = self.table.scores[rows, chosen]
        low, high = mean_interval(picked, self._rng, resamples=self._resamples)
        score, cost = float(picked.mean()), float(self.table.costs[rows, chosen].mean())
        reached = Frontier(np.array([cost]), np.array([score]), np.array([np.nan]))
        return OptionRow(
            name,
            score,
            low,
            high,
            cost,
            gap_closed_at(cost, reached, self.stable, self.hull),
            gap_closed_at(cost, reached, self.any_correct, self.hull),
        )

    def mix(self, mean_cost: float) -> IntArray:
        """Return the best random mix of two options at a mean cost, or the cheapest one."""
        ordered = self.table.cheapest_first()
        costs = mean_costs(ordered)
        low, high, share = best_mix(costs, ordered.scores.mean(axis=0), max(mean_cost, costs[0]))
        pair = [self.table.options.index(ordered.options[i]) for i in (low, high)]
        count = len(self.table)
        drawn = np.where(np.arange(count) < round(share * count), pair[1], pair[0])
        return self._rng.permutation(drawn).astype(np.int64)


def evaluate_options(
    evaluator: OptionEvaluator,
    *,
    expected: FloatArray,
    prices: Mapping[str, float],
    group_expected: FloatArray,
) -> list[OptionRow]:
    """Return rows: single options, random mix, per-group fixed, the policy at its prices, oracles.

    The random mix spends what the policy spends at its first price, the per-group baseline at most
    that (by the mean costs that it chooses by), and the mix knows the options' scores on these very
    samples, which favours it.

    Args:
        evaluator: of the held-out share.
        expected: the policy's predictions, shape [n, k].
        prices: of the policy, by name, at least one.
        group_expected: predictions of ``PerGroupScores`` fitted on the fit share, shape [n, k].
    """
    table, costs = evaluator.table, evaluator.costs
    chosen = {name: choose_rungs(expected, costs, price) for name, price in prices.items()}
    first = next(iter(chosen.values()))
    count = len(table)
    rows = [
        evaluator.row(f"always {name}", np.full(count, option, dtype=np.int64))
        for option, name in enumerate(table.options)
    ]
    spent = float(table.costs[np.arange(count), first].mean())
    rows.append(evaluator.row("random mix", evaluator.mix(spent)))
    group_price = solve_price(group_expected, costs, float(costs[first].mean()))
    rows.append(evaluator.row("per-group fixed", choose_rungs(group_expected, costs, group_price)))
    rows += [evaluator.row(f"policy, {name}", options) for name, options in chosen.items()]
    for name, truth in (("stable", stable_scores(table.scores)), ("any correct", table.scores)):
        rows.append(evaluator.row(f"oracle, {name}", choose_rungs(truth, table.costs, 0.0)))
    return rows


class FrontierFigures(NamedTuple):
    """Figures of a whole frontier; NaN where they are not defined.

    Attributes:
        apgr: RouteLLM's average performance gap recovered, between the cheapest option and the
            best one; with two options, between the weak and the strong.
        aiq: RouterBench's average improvement in quality.
        nauc: MMR-Bench's normalised area.
        qnc: MMR-Bench's quality-neutral cost against the best single option.
        recovery: saving at the best single option's score, as a share of the oracle's.
        gap_closed_any_at: share of the any-correct oracle's gain at five mean costs, evenly spread
            between the cheapest and the dearest option on a log axis.
    """

    apgr: float
    aiq: float
    nauc: float
    qnc: float
    recovery: float
    gap_closed_any_at: tuple[float, ...]


def frontier_figures(evaluator: OptionEvaluator, expected: FloatArray) -> FrontierFigures:
    """Return the figures of a rule that chooses by ``expected``, shape [n, k]."""
    frontier, hull, costs = evaluator.frontier(expected), evaluator.hull, evaluator.option_costs
    best = int(np.argmax(evaluator.option_scores))
    weak, strong = evaluator.option_scores[[int(costs.argmin()), best]].tolist()
    dearest, best_cost = float(costs.max()), float(costs[best])
    budgets = np.geomspace(float(costs.min()), dearest, 7)[1:-1]
    return FrontierFigures(
        apgr(frontier, weak, strong, dearest),
        aiq(frontier, dearest),
        nauc(frontier, dearest),
        qnc(frontier, strong, best_cost),
        recovery(frontier, evaluator.any_correct, strong, best_cost),
        tuple(gap_closed_at(c, frontier, evaluator.any_correct, hull) for c in budgets),
    )


def option_gap_areas(
    table: OptionTable,
    costs: FloatArray,
    rules: Mapping[str, FloatArray],
    *,
    rng: np.random.Generator,
    resamples: int = 200,
) -> dict[str, GapInterval]:
    """Return, by name, how much of the oracles' area over the hull each rule closes.

    Args:
        table: the held-out share.
        costs: what every option is believed to cost, rising, shape [k].
        rules: predictions that each rule chooses by, shape [n, k] each.
        rng: draws of the bootstrap.
        resamples: of the bootstrap.
    """
    meter = GapMeter(table.scores, table.costs, chosen_by=costs)
    return {
        name: meter.measure_with_interval(expected, rng, resamples=resamples)
        for name, expected in rules.items()
    }
