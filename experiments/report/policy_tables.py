"""Tables of what policies close of the gap."""

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.report.assessment import Assessment, named_prices
from experiments.report.expectations import Expectation
from experiments.report.policy_groups import GroupGap
from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Table, Value
from experiments.report.verdicts import around
from oracle.resampled import estimate
from policies.rules import ANY_CORRECT, PER_GROUP, RANDOM_MIX, STABLE

_POLICY = Column("policy", "policy")
_ACCURACY = Column("accuracy", "accuracy, %", 1, 100)
_TOKENS = Column("mean_tokens", "visual tokens per sample", 1)

_METRICS = (
    "accuracy",
    "tokens",
    "accuracy_lost",
    "over_random_mix",
    "over_per_group",
    "gap_closed_stable",
    "gap_closed_any",
)

# Least and largest value that one sample can have, by the last word of a figure's name.
_BOUNDS = {"accuracy": (0.0, 1.0), "lost": (-1.0, 1.0), "mix": (-1.0, 1.0), "group": (-1.0, 1.0)}


def figure(assessed: Assessment, rule: str, metric: str, budget: float | None = None) -> Value:
    """Return a figure of the assessment with its interval; NaN if it was not measured."""
    value, low, high, _ = assessed.table.get(rule, metric, budget)
    own = metric.rpartition("_")[2]
    if high - low < 1e-12 and own in _BOUNDS:
        # Of samples that are all alike a bootstrap knows nothing else.
        bounds = _BOUNDS[own]
        return Value(*estimate(value, np.array([value]), assessed.table.num_samples, bounds=bounds))
    return around(value, low, high)


def range_table(run: Run, assessed: Assessment) -> Table:
    """Return the gap closed over all budgets and at some, one row a rule."""
    rules = [policy.name for policy in run.policies]
    rules += [PER_GROUP] if PER_GROUP in assessed.paths else []
    budgets = assessed.table.budgets
    rows: list[tuple[Cell, ...]] = [
        (
            rule,
            figure(assessed, rule, "gap_closed_stable"),
            figure(assessed, rule, "gap_closed_any"),
            *(figure(assessed, rule, "gap_closed_stable", budget) for budget in budgets),
        )
        for rule in rules
    ]
    return Table(
        "gap_closed",
        f"Share of the oracle's gain over the best random mix of fixed scales that each rule keeps "
        f"({RANDOM_MIX}: 0 %, oracle: 100 %), over all budgets (area over the logarithm of the "
        f"mean tokens) and at equal mean tokens, over {assessed.table.num_samples:,} samples; "
        f"paired 95 % intervals of {assessed.resamples:,} resamples.",
        (
            Column("rule", "rule"),
            Column("closed_stable", f"closed over all budgets, %, of {STABLE}", 1, 100),
            Column("closed_any", f"closed over all budgets, %, of {ANY_CORRECT}", 1, 100),
            *(
                Column(
                    f"closed_stable_at_{budget:.3g}",
                    f"closed at {budget:.3g} tokens, %, of {STABLE}",
                    1,
                    100,
                )
                for budget in budgets
            ),
        ),
        tuple(rows),
    )


def prices_table(run: Run, assessed: Assessment, expected: Mapping[str, Expectation]) -> Table:
    """Return what every policy reaches at each of its prices, its own first."""
    rows: list[tuple[Cell, ...]] = []
    for policy in run.policies:
        for name, price in named_prices(policy).items():
            found = [figure(assessed, policy.name, f"{name}_{metric}") for metric in _METRICS]
            over = expected[policy.name].over if price == policy.price else None
            rows.append((policy.name, name, price, *found, over))
    points = (1, 100)
    return Table(
        "policy_prices",
        f"Policies at their prices, which were set beforehand (score units per cost of "
        f"the full scale), over {assessed.table.num_samples:,} samples; paired 95 % intervals of "
        f"{assessed.resamples:,} resamples. Random mix and one scale per group are taken at the "
        "tokens that the policy spends.",
        (
            _POLICY,
            Column("price_name", "price"),
            Column("price", "its value", 3),
            _ACCURACY,
            _TOKENS,
            Column("accuracy_lost", "accuracy lost against the full scale, points", *points),
            Column("over_random_mix", "over the random mix, points", *points),
            Column("over_per_group", "over one scale per group, points", *points),
            Column("closed_stable", f"gap closed, %, of {STABLE}", *points),
            Column("closed_any", f"gap closed, %, of {ANY_CORRECT}", *points),
            Column("promised_too_much", "expected less real accuracy, points", *points),
        ),
        tuple(rows),
    )


def groups_table(run: Run, groups: Sequence[GroupGap]) -> Table:
    """Return what every policy does in every group."""
    rows: list[tuple[Cell, ...]] = [
        (g.policy, g.group, g.n, g.closed, g.accuracy, g.tokens, g.lost) for g in groups
    ]
    return Table(
        "policy_groups",
        f"Policies group by group (groups: {run.grouped_by}): the gap closed over all budgets as "
        "if the group were served alone, and what the policy's own price, which all groups share, "
        "comes to there; 95 % intervals.",
        (
            _POLICY,
            Column("group", "group"),
            Column("samples", "samples", 0),
            Column("closed_stable", f"gap closed, %, of {STABLE}", 1, 100),
            _ACCURACY,
            _TOKENS,
            Column("accuracy_lost", "accuracy lost against the full scale, points", 1, 100),
        ),
        tuple(rows),
    )
