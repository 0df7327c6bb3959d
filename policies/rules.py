"""Rules that are compared: each has a frontier on weighted samples, and may have fixed choices."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from budget.budgets import Budget
from budget.errors import PolicyError
from budget.stable import stable_scores
from policies.allocation import IntArray, Sweep
from policies.evaluation import Measured
from policies.hull import FloatArray, Frontier
from policies.per_group import PerGroupScores

RANDOM_MIX = "random mix"
PER_GROUP = "per-group fixed"
CEILING = "hidden difficulty"
STABLE = "oracle, stable"
ANY_CORRECT = "oracle, any correct"
EXPECTED = "oracle, expected"


class Swept(Protocol):
    """A rule of which every price is known at once, as :class:`Sweep`; nothing inherits."""

    def frontier(self, weights: FloatArray | None = None) -> Frontier:
        """Return mean real score against mean tokens, samples counted by ``weights`` [n]."""
        ...


class Priced(Protocol):
    """What is needed of a policy to choose again; nothing inherits from this."""

    @property
    def rung_costs(self) -> FloatArray:
        """What the price is paid on, shape [k]."""
        ...

    def choose_from(self, scores: FloatArray, *, budget: Budget | None = None) -> IntArray:
        """Return the rungs for expected scores, shape [n, k]."""
        ...


class Chosen(NamedTuple):
    """The rungs that a rule chose at a price that was set on other samples.

    Attributes:
        rule: name of the rule.
        name: what the price was set for; the figures' names begin with it.
        budget: mean visual tokens that were allowed; ``None`` where the price was set for a score.
        rungs: chosen rung of each sample, shape [n].
        decision_ms: milliseconds that choosing took a sample.
    """

    rule: str
    name: str
    budget: float | None
    rungs: IntArray
    decision_ms: float


class Contest(NamedTuple):
    """Everything that is compared on one table of samples.

    Attributes:
        data: what was measured on the samples.
        rules: by name, baselines, policies and ceiling.
        oracles: by name; each counts as 1 where the fixed scales' hull counts as 0.
        chosen: what policies chose at the price of their calibration split.
        policies: names of those of ``rules`` that are judged.
    """

    data: Measured
    rules: Mapping[str, Swept]
    oracles: Mapping[str, Swept]
    chosen: Sequence[Chosen]
    policies: Sequence[str]


class PerGroup(NamedTuple):
    """What one fixed scale a group expects of samples, learned on others.

    Attributes:
        expected: mean score of the sample's group at every rung, shape [n, k].
        costs: mean visual tokens of the group, likewise.
    """

    expected: FloatArray
    costs: FloatArray


def sweep_of(data: Measured, expected: FloatArray, price_costs: FloatArray | None = None) -> Sweep:
    """Return a rule; what it pays are the visual tokens that each sample really takes.

    Args:
        data: what was measured.
        expected: scores that it chooses by, shape [n, k].
        price_costs: what it believes that every rung costs, shape [k] or [n, k]; by default mean
            visual tokens.
    """
    by = data.rung_tokens if price_costs is None else price_costs
    return Sweep(expected, data.scores, by, paid=data.tokens)


def oracles_of(data: Measured, expected_scores: FloatArray | None = None) -> dict[str, Swept]:
    """Return the oracles of a table: they choose by what no policy knows, costs included.

    Args:
        data: what was measured.
        expected_scores: means over many drawn answers to the same questions, shape [n, k]. Who
            chooses by them knows every question's odds and not how one answer turns out.
    """
    found: dict[str, Swept] = {
        STABLE: sweep_of(data, stable_scores(data.scores), data.tokens),
        ANY_CORRECT: sweep_of(data, data.scores, data.tokens),
    }
    if expected_scores is not None:
        found[EXPECTED] = sweep_of(data, expected_scores, data.tokens)
    return found


def per_group_of(
    data: Measured,
    fit_groups: Sequence[str],
    fit_scores: FloatArray,
    fit_tokens: ArrayLike | None = None,
) -> PerGroup:
    """Return what one fixed scale a group expects, its scales learned on other samples.

    Args:
        data: what was measured.
        fit_groups: groups of the samples that it learns from, shape [m].
        fit_scores: their scores, shape [m, k].
        fit_tokens: their visual tokens, shape [m, k]; by default every group is taken to cost what
            the samples of ``data`` do on average.
    """
    expected = PerGroupScores().fit(fit_groups, fit_scores).predict(data.groups)
    if fit_tokens is None:
        return PerGroup(expected, np.broadcast_to(data.rung_tokens, expected.shape))
    tokens = np.asarray(fit_tokens, dtype=np.float64)
    return PerGroup(expected, PerGroupScores().fit(fit_groups, tokens).predict(data.groups))


def choices_at(
    policy: Priced,
    name: str,
    expected: FloatArray,
    budgets: Sequence[float],
    decision_ms: float,
) -> list[Chosen]:
    """Return what a policy chooses when asked for mean tokens, by its own calibration.

    A mean that the policy refuses, as it lies below its cheapest, is left out.
    """
    found = []
    for budget in budgets:
        try:
            rungs = policy.choose_from(expected, budget=Budget(mean_tokens=float(budget)))
        except PolicyError:
            continue
        found.append(Chosen(name, "calibrated", float(budget), rungs, decision_ms))
    return found


def even_budgets(tokens: FloatArray, count: int = 5) -> FloatArray:
    """Return mean tokens spaced evenly in log strictly between the cheapest and the full rung.

    Args:
        tokens: visual tokens of every rung, shape [k], rising.
        count: how many.

    Raises:
        ValueError: if there is but one rung.

    Example:
        >>> even_budgets(np.array([1.0, 16.0, 64.0])).tolist()
        [2.0, 4.0, 8.0, 16.0, 32.0]
    """
    if len(tokens) < 2:
        raise ValueError(f"budgets lie between two rungs at least, got {len(tokens)} rung")
    return np.geomspace(tokens[0], tokens[-1], count + 2)[1:-1].round(9)
