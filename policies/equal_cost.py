"""Every figure of every rule on weighted samples, at equal mean tokens and over the range.

One weighting gives one set of figures, so that a bootstrap resamples rules, baselines, oracles and
the hull of the fixed scales together and every difference is paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from policies.frontier import aiq, apgr, nauc, qnc, recovery
from policies.hull import FloatArray, Frontier, hull_of, log_area
from policies.rules import CEILING, PER_GROUP, RANDOM_MIX, STABLE, Chosen, Contest
from policies.rung_means import column_means

# Score units under the full scale, by the name of the figure.
DROPS = {"no_loss": 0.0, "half_point": 0.005, "one_point": 0.01}
# How much a rule scores above a baseline at the same mean tokens.
LEADS = {RANDOM_MIX: "over_random_mix", PER_GROUP: "over_per_group"}
# Mean tokens of a resample in which no question has an image; logarithms and shares need some.
_LEAST = 1e-9


class Key(NamedTuple):
    """Which figure: of a rule, by name, at mean tokens or (``None``) over the whole range."""

    rule: str
    metric: str
    budget: float | None = None


class Weighted:
    """A contest as it looks with every sample counted so often.

    Args:
        contest: what is compared.
        weights: how often each sample counts, shape [n].
    """

    def __init__(self, contest: Contest, weights: FloatArray) -> None:
        data = contest.data
        self.contest, self.share = contest, weights / weights.sum()
        self.means = self.share @ data.scores
        self.tokens = np.maximum(column_means(data.tokens, weights), _LEAST)
        self.hull = hull_of(self.tokens, self.means)
        self.full_score, self.full_cost = float(self.means[-1]), float(self.tokens[-1])
        self.oracles = {name: rule.frontier(weights) for name, rule in contest.oracles.items()}
        self.frontiers = {name: rule.frontier(weights) for name, rule in contest.rules.items()}

    @cached_property
    def areas(self) -> dict[str, float]:
        """Accuracy integrated over the logarithm of the mean tokens, by name."""
        low = float(self.tokens[0])
        return {name: log_area(each, low, self.full_cost) for name, each in self.all().items()}

    @cached_property
    def baselines(self) -> dict[str, Frontier]:
        """The rules that a policy must beat."""
        found = {RANDOM_MIX: self.hull}
        if PER_GROUP in self.frontiers:
            found[PER_GROUP] = self.frontiers[PER_GROUP]
        return found

    def all(self) -> dict[str, Frontier]:
        """Return the frontier of everything by name: random mix, rules, oracles."""
        return {RANDOM_MIX: self.hull, **self.frontiers, **self.oracles}


def figures(seen: Weighted, budgets: Sequence[float]) -> dict[Key, float]:
    """Return every figure; the keys and their order do not depend on the weights.

    Args:
        seen: the contest on weighted samples.
        budgets: mean visual tokens.
    """
    at = {name: frontier.at_each(budgets) for name, frontier in seen.all().items()}
    found: dict[Key, float] = {}
    for name, frontier in seen.all().items():
        for metric, values in _at(seen, at, name):
            for budget, value in zip(budgets, values.tolist(), strict=True):
                found[Key(name, metric, float(budget))] = value
        found.update({Key(name, metric): x for metric, x in _over_range(seen, name, frontier)})
    found.update(_over_rules(seen, found))
    for chosen in seen.contest.chosen:
        own = _of_choice(seen, chosen)
        found.update({Key(chosen.rule, metric, chosen.budget): value for metric, value in own})
    return found


def along(seen: Weighted, grid: FloatArray) -> FloatArray:
    """Return the accuracy of every frontier of :meth:`Weighted.all` on a grid of mean tokens.

    Shape [number of frontiers * number of points], frontier by frontier.
    """
    return np.concatenate([frontier.at_each(grid) for frontier in seen.all().values()])


def gap_name(oracle: str) -> str:
    """Return the figure's name: "oracle, any correct" is closed by "gap_closed_any"."""
    return "gap_closed_" + oracle.removeprefix("oracle, ").split()[0]


def _at(
    seen: Weighted, at: Mapping[str, FloatArray], name: str
) -> Iterator[tuple[str, FloatArray]]:
    """Yield what a frontier is at each budget: score, gaps closed, lead over the baselines."""
    yield "accuracy", at[name]
    above = at[name] - at[RANDOM_MIX]
    for oracle in seen.oracles:
        best = at[oracle] - at[RANDOM_MIX]
        yield gap_name(oracle), np.where(best > 1e-12, above / np.maximum(best, 1e-12), np.nan)
    yield from _leads(at[name], {base: at[base] for base in seen.baselines})


def _leads(
    score: FloatArray, baselines: Mapping[str, FloatArray]
) -> Iterator[tuple[str, FloatArray]]:
    """Yield a score less that of the baselines at the same mean tokens, and of the better one."""
    for name, reached in baselines.items():
        yield LEADS[name], score - reached
    yield "over_best_baseline", score - np.maximum.reduce(list(baselines.values()))


def _over_range(seen: Weighted, name: str, frontier: Frontier) -> Iterator[tuple[str, float]]:
    """Yield what a frontier is from the cheapest to the full scale."""
    for oracle in seen.oracles:
        above, best = (seen.areas[each] - seen.areas[RANDOM_MIX] for each in (name, oracle))
        yield gap_name(oracle), above / best if best > 1e-12 else float("nan")
    for drop_name, drop in DROPS.items():
        share = frontier.cost_of(seen.full_score - drop) / seen.full_cost
        yield f"tokens_share_{drop_name}", share
        yield f"saving_{drop_name}", 1 - share
    stable, goal = seen.oracles[STABLE], seen.full_score - DROPS["half_point"]
    yield "recovery_half_point", recovery(frontier, stable, goal, seen.full_cost)
    yield "apgr", apgr(frontier, float(seen.means[0]), seen.full_score, seen.full_cost)
    yield "aiq", aiq(frontier, seen.full_cost)
    yield "nauc", nauc(frontier, seen.full_cost)
    best_fixed = int(np.argmax(seen.means))
    best_cost = float(seen.tokens[best_fixed])
    yield "qnc", qnc(frontier, float(seen.means[best_fixed]), best_cost)


def _over_rules(seen: Weighted, found: Mapping[Key, float]) -> dict[Key, float]:
    """Return gaps closed less that of the per-group baseline, and over that of the ceiling."""
    metric = gap_name(STABLE)
    more: dict[Key, float] = {}
    for name in seen.contest.policies:
        own = found[Key(name, metric)]
        if PER_GROUP in seen.frontiers:
            more[Key(name, f"{metric}_over_per_group")] = own - found[Key(PER_GROUP, metric)]
        if CEILING in seen.frontiers:
            ceiling = found[Key(CEILING, metric)]
            more[Key(name, "share_of_ceiling")] = own / ceiling if ceiling > 0 else float("nan")
    return more


def _of_choice(seen: Weighted, chosen: Chosen) -> Iterator[tuple[str, float]]:
    """Yield what rungs chosen beforehand really cost and score; baselines at what they cost."""
    data, rows, name = seen.contest.data, np.arange(len(chosen.rungs)), chosen.name
    score = seen.share @ data.scores[rows, chosen.rungs]
    tokens = seen.share @ data.tokens[rows, chosen.rungs]
    yield f"{name}_tokens", float(tokens)
    yield f"{name}_tokens_share", float(tokens / seen.full_cost)
    if chosen.budget is not None:
        yield f"{name}_budget_error", float(tokens / chosen.budget - 1)
    yield f"{name}_accuracy", float(score)
    yield f"{name}_accuracy_lost", float(seen.full_score - score)
    base = {each: frontier.at_each([tokens])[0] for each, frontier in seen.baselines.items()}
    for metric, lead in _leads(score, base):
        yield f"{name}_{metric}", float(lead)
    for oracle, reached in seen.oracles.items():
        best = reached.at_each([tokens])[0] - base[RANDOM_MIX]
        closed = (score - base[RANDOM_MIX]) / best if best > 1e-12 else float("nan")
        yield f"{name}_{gap_name(oracle)}", float(closed)
    flops = seen.share @ data.flops[rows, chosen.rungs]
    yield f"{name}_flops_saved", float(1 - flops / (seen.share @ data.flops[:, -1]))
    ms = seen.share @ data.ms[rows, chosen.rungs] + chosen.decision_ms
    yield f"{name}_ms_saved", float(1 - ms / (seen.share @ data.ms[:, -1]))
