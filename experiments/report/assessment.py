"""What a run's policies, baselines and oracles reach, measured once for several sections."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from budget.errors import DataError
from budget.stable import stable_scores
from experiments.report.runs import PolicyChoices, Run
from policies.allocation import IntArray, choose_rungs
from policies.coarse_sweep import CoarsePath, CoarseSweep
from policies.evaluation import Measured
from policies.evaluation_inputs import table_measured
from policies.hull import FloatArray
from policies.metrics_table import Table, measure
from policies.rules import (
    ANY_CORRECT,
    PER_GROUP,
    RANDOM_MIX,
    STABLE,
    Chosen,
    Contest,
    Swept,
    even_budgets,
    per_group_of,
)

# Sample-rungs that a bootstrap of frontiers goes through: all 1,000 resamples of 10,000 samples at
# 8 rungs, 100 of 100,000, whose intervals are narrow.
_WORK = 8e7
_FEWEST = 100


class Assessment(NamedTuple):
    """What everything that chooses scales reaches on a run's samples.

    Attributes:
        data: what was measured.
        paths: choices at every price by the rule's name: policies, baselines and oracles.
        table: all figures over one paired bootstrap, see :mod:`policies.equal_cost`.
        resamples: of that bootstrap.
    """

    data: Measured
    paths: Mapping[str, CoarsePath]
    table: Table
    resamples: int


def assess(run: Run, rng: np.random.Generator, *, resamples: int) -> Assessment:
    """Return what policies, baselines and oracles reach; sections share it.

    Args:
        run: the oracle run, with its policies.
        rng: draws of the bootstrap.
        resamples: of the bootstrap; of very many samples fewer are drawn.

    Raises:
        DataError: if no sample has an image, or ``run.fit`` or a policy is of another ladder.
    """
    curves: Any = run.curves  # read-only, where a table's columns may be set
    data = table_measured(curves)
    paths = _paths(run, data)
    sweeps = {name: CoarseSweep(path, data.scores, data.tokens) for name, path in paths.items()}
    rules: dict[str, Swept] = {n: s for n, s in sweeps.items() if n not in (STABLE, ANY_CORRECT)}
    oracles: dict[str, Swept] = {name: sweeps[name] for name in (STABLE, ANY_CORRECT)}
    chosen = [each for policy in run.policies for each in _chosen(policy)]
    names = [policy.name for policy in run.policies]
    contest = Contest(data, rules, oracles, chosen, names)
    few = bounded(resamples, data.scores.size)
    budgets = even_budgets(data.rung_tokens).tolist() if len(data.scales) > 1 else []
    return Assessment(data, paths, measure(contest, budgets, rng, resamples=few), few)


def bounded(resamples: int, size: int) -> int:
    """Return how many resamples of so many sample-rungs are drawn, of at most ``resamples``.

    Example:
        >>> bounded(1000, 6000 * 5), bounded(1000, 100_000 * 8), bounded(50, 10**9)
        (1000, 100, 50)
    """
    return min(resamples, max(_FEWEST, int(_WORK / size)))


def named_prices(policy: PolicyChoices) -> dict[str, float]:
    """Return a policy's prices by name, that of its choices first.

    A price that has no name goes by its number.
    """
    own = {n: p for n, p in policy.prices.items() if p == policy.price}
    first = dict([next(iter(own.items()))]) if own else {f"price {policy.price:g}": policy.price}
    return first | dict(policy.prices)


def chosen_rungs(policy: PolicyChoices, price: float | None = None) -> IntArray:
    """Return the rungs that a policy chooses at a price, by default its own, shape [n]."""
    at = policy.price if price is None else price
    return choose_rungs(policy.expected, policy.rung_costs, at)


def _chosen(policy: PolicyChoices) -> list[Chosen]:
    return [
        Chosen(policy.name, name, None, chosen_rungs(policy, price), policy.decision_ms)
        for name, price in named_prices(policy).items()
    ]


def _paths(run: Run, data: Measured) -> dict[str, CoarsePath]:
    """Return what every rule chooses at every price; the oracles know what comes out and costs."""
    paths = {}
    if (per_group := _per_group(run, data)) is not None:
        paths[PER_GROUP] = CoarsePath(*per_group)
    for policy in run.policies:
        if policy.name in (PER_GROUP, RANDOM_MIX, STABLE, ANY_CORRECT, *paths):
            raise DataError(f"two rules are called {policy.name!r}; names must be unique")
        if policy.expected.shape != data.scores.shape:
            raise DataError(
                f"the policy {policy.name!r} expects scores of shape {policy.expected.shape}, "
                f"but the run {run.name!r} has {data.scores.shape}"
            )
        paths[policy.name] = CoarsePath(policy.expected, policy.rung_costs)
    paths[STABLE] = CoarsePath(stable_scores(data.scores), data.tokens)
    paths[ANY_CORRECT] = CoarsePath(data.scores, data.tokens)
    return paths


def _per_group(run: Run, data: Measured) -> tuple[FloatArray, FloatArray] | None:
    """Return what one scale a group expects and costs; None where nothing can be learned of it."""
    fit = run.fit
    if fit is None:
        return None
    if fit.scales != run.curves.scales:
        raise DataError(
            f"the run {run.name!r} has scales {run.curves.scales}, but its fit has {fit.scales}"
        )
    if not set(fit.groups.tolist()) & set(data.groups):
        return None
    return per_group_of(data, fit.groups.tolist(), fit.scores, fit.num_visual_tokens)
