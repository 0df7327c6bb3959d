"""What choosing scales saves: at a policy's prices, and at equal accuracy."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from budget.bootstrap import check_sizes, draws, percentiles
from experiments.report.assessment import Assessment, bounded, chosen_rungs, named_prices
from experiments.report.runs import Run
from experiments.report.section import Value
from experiments.report.verdicts import around
from oracle.resampled import estimate, resampled_means
from policies.coarse_sweep import CoarseSweep
from policies.equal_cost import DROPS
from policies.evaluation import Measured
from policies.frontier import recovery, saving_at_equal_score
from policies.hull import FloatArray, hull_of
from policies.rules import RANDOM_MIX, STABLE
from policies.rung_means import column_means

TOKENS, FLOPS, MS = "tokens", "flops", "ms"


class Spent(NamedTuple):
    """What one kind of cost comes to.

    Attributes:
        full: at the full scale, per sample.
        saved: less than that by the policy, per sample; its decision is counted where it costs.
        share: ``saved`` over ``full``.
    """

    full: float
    saved: Value
    share: Value


class AtPrice(NamedTuple):
    """What a policy saves at one of its prices, set before these samples were seen.

    Attributes:
        policy: its name.
        price: the price's name.
        lost: accuracy of the full scale less the policy's.
        spent: by kind of cost, of those that are known.
    """

    policy: str
    price: str
    lost: Value
    spent: Mapping[str, Spent]


class AtEqual(NamedTuple):
    """What a rule saves where it is as accurate as the full scale less an allowance.

    Attributes:
        rule: its name.
        drop: score units that may be lost.
        shares: share of the full scale's cost that is saved, by kind of cost; NaN where the rule
            does not get there.
        recovery: its share of tokens saved over that of the stable oracle.
        reached: share of the resamples in which the rule gets there.
    """

    rule: str
    drop: float
    shares: Mapping[str, Value]
    recovery: Value
    reached: float


def known_costs(data: Measured) -> dict[str, FloatArray]:
    """Return what every sample costs at every rung, [n, k] each, by kinds that are known."""
    tables = {TOKENS: data.tokens, FLOPS: data.flops, MS: data.ms}
    return {k: t for k, t in tables.items() if np.isfinite(t).all() and t[:, -1].any()}


def at_prices(
    run: Run, assessed: Assessment, rng: np.random.Generator, *, resamples: int
) -> list[AtPrice]:
    """Return what every policy saves at each of its prices, its own first.

    Args:
        run: the oracle run.
        assessed: what was measured.
        rng: where the resamples come from.
        resamples: how many times the samples are drawn anew.
    """
    data, costs = assessed.data, known_costs(assessed.data)
    rows, found = np.arange(len(data.scores)), []
    for policy in run.policies:
        for name, price in named_prices(policy).items():
            at = (rows, chosen_rungs(policy, price))
            extra = {MS: policy.decision_ms}
            columns = [data.scores[:, -1] - data.scores[at]]
            for kind, table in costs.items():
                columns += [table[:, -1], table[:, -1] - table[at] - extra.get(kind, 0.0)]
            table = np.column_stack(columns)
            means = table.mean(axis=0)
            drawn = resampled_means(table, rng, resamples=bounded(resamples, table.size))
            lost = estimate(float(means[0]), drawn[:, 0], len(table), bounds=(-1.0, 1.0))
            spent = {
                kind: _spent(means[i : i + 2], drawn[:, i : i + 2])
                for i, kind in zip(range(1, 2 * len(costs), 2), costs, strict=True)
            }
            found.append(AtPrice(policy.name, name, Value(*lost), spent))
    return found


def _spent(means: FloatArray, drawn: FloatArray) -> Spent:
    saved = around(float(means[1]), *percentiles(drawn[:, 1], 0.95))
    share = around(float(means[1] / means[0]), *percentiles(drawn[:, 1] / drawn[:, 0], 0.95))
    return Spent(float(means[0]), saved, share)


def at_equal_accuracy(
    run: Run, assessed: Assessment, rng: np.random.Generator, *, resamples: int
) -> list[AtEqual]:
    """Return what every rule saves at the full scale's accuracy, and half and one point below.

    The price that gets there is read off these very samples, in every resample anew. Choices are
    made for tokens; FLOPs and milliseconds are those of the same choices.

    Args:
        run: the oracle run.
        assessed: what was measured.
        rng: where the resamples come from.
        resamples: how many times the samples are drawn anew; of very many samples fewer.
    """
    savings = _Savings(run, assessed)
    n = len(assessed.data.scores)
    few = bounded(resamples, assessed.data.scores.size * len(savings.kinds))
    check_sizes(n, few, 0.95)
    own = savings(np.ones(n))
    drawn = np.array([savings(counts) for counts in draws(n, few, rng)])
    spans = np.array([percentiles(column, 0.95) for column in drawn.reshape(few, -1).T])
    values = np.concatenate([own[..., None], spans.reshape(*own.shape, 2)], axis=-1)
    reached = 1 - np.isnan(drawn[..., 0]).mean(axis=0)
    return [
        AtEqual(
            rule,
            drop,
            {kind: around(*values[i, j, c].tolist()) for c, kind in enumerate(savings.kinds)},
            around(*values[i, j, -1].tolist()),
            float(reached[i, j]),
        )
        for i, rule in enumerate(savings.rules)
        for j, drop in enumerate(DROPS.values())
    ]


class _Savings:
    """Savings on weighted samples, shape [rules, drops, kinds of cost and then recovery]."""

    def __init__(self, run: Run, assessed: Assessment) -> None:
        self._data, self._costs = assessed.data, known_costs(assessed.data)
        self.kinds = list(self._costs)
        self._sweeps = {
            rule: [CoarseSweep(path, self._data.scores, cost) for cost in self._costs.values()]
            for rule, path in assessed.paths.items()
        }
        self.rules = [RANDOM_MIX, *self._sweeps]
        decisions = {policy.name: policy.decision_ms for policy in run.policies}
        self._extra = {
            (rule, kind): decisions.get(rule, 0.0) if kind == MS else 0.0
            for rule in self.rules
            for kind in self.kinds
        }

    def __call__(self, weights: FloatArray) -> FloatArray:
        means = weights @ self._data.scores / weights.sum()
        costs = [column_means(table, weights) for table in self._costs.values()]
        found = {RANDOM_MIX: [hull_of(cost, means) for cost in costs]}
        found |= {r: [s.frontier(weights) for s in own] for r, own in self._sweeps.items()}
        full = [float(cost[-1]) for cost in costs]
        shares = [
            [
                [
                    saving_at_equal_score(each, float(means[-1]) - drop, cost)
                    - self._extra[rule, kind] / cost
                    for each, cost, kind in zip(found[rule], full, self.kinds, strict=True)
                ]
                + [recovery(found[rule][0], found[STABLE][0], float(means[-1]) - drop, full[0])]
                for drop in DROPS.values()
            ]
            for rule in self.rules
        ]
        return np.array(shares)
