"""What going up reaches beside its baselines, on samples that were answered at every rung."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from policies.allocation import Sweep
from policies.cascade import best_start, cascade
from policies.escalation import Escalation
from policies.escalation_fit import Answered, Predictors
from policies.hull import FloatArray
from policies.paid import Paid, pay
from policies.path_gaps import PathFigures, Swept, path_figures
from policies.per_group import PerGroupScores
from policies.rung_means import rung_means
from policies.walk_calibration import WALK_PRICES
from policies.walks import Walks

SUM, KEPT = "escalate", "escalate, kept cache"
PRE, GROUPS = "before any answer", "per-group fixed"
CASCADE, KEPT_CASCADE = "confidence alone", "confidence alone, kept cache"


class AtPrice(NamedTuple):
    """What samples get at one price.

    Attributes:
        name: of the price.
        accuracy: mean score.
        mean_tokens: visual tokens of all tries of a sample.
        mean_tries: answers per sample.
        most_tokens: of any sample.
        mean_flops: of all tries, the picture's paid once; NaN if unknown.
    """

    name: str
    accuracy: float
    mean_tokens: float
    mean_tries: float
    most_tokens: float
    mean_flops: float


def paid_by(escalation: Escalation, walks: Walks, scores: FloatArray, tokens: FloatArray) -> Paid:
    """Return what samples pay, in visual tokens, at every price."""
    visited = [walks.take(escalation.rule, price) for price in WALK_PRICES]
    kept = escalation.rule.spending.kept_cache
    return pay(visited, WALK_PRICES, tokens, scores, kept_cache=kept)


def rules_of(
    predictors: Predictors,
    escalations: Mapping[str, Escalation],
    test: Answered,
    tokens: FloatArray,
    *,
    groups: tuple[list[str], FloatArray, list[str]],
    learnt: Answered,
) -> dict[str, Swept]:
    """Return everything that is compared, by name.

    Args:
        predictors: fitted on other samples.
        escalations: by name, ``SUM`` and ``KEPT``.
        test: samples to compare on.
        tokens: planned visual tokens of every rung, shape [k].
        groups: of the samples that baselines learn from, their scores [m, k], those of ``test``.
        learnt: samples on which the cascade's first rung is picked.
    """
    walks, paid = predictors.walks(test), test.paid(tokens)
    rules: dict[str, Swept] = {
        name: paid_by(each, walks, test.scores, paid) for name, each in escalations.items()
    }
    rules[PRE] = Sweep(walks.expected(()), test.scores, tokens, paid=paid)
    means = PerGroupScores().fit(*groups[:2]).predict(groups[2])
    costs = PerGroupScores().fit(groups[0], learnt.paid(tokens)).predict(groups[2])
    rules[GROUPS] = Sweep(means, test.scores, costs, paid=paid)
    for name, kept in ((CASCADE, False), (KEPT_CASCADE, True)):
        sure = learnt.answers.confidence
        start = best_start(sure, learnt.scores, learnt.paid(tokens), kept_cache=kept)
        rules[name] = cascade(test.answers.confidence, test.scores, paid, start, kept_cache=kept)
    return rules


def at_prices(
    escalation: Escalation,
    walks: Walks,
    scores: FloatArray,
    tokens: FloatArray,
    flops: FloatArray,
    once_flops: FloatArray,
) -> list[AtPrice]:
    """Return what samples get at the calibrated prices.

    Args:
        escalation: with its prices.
        walks: the samples.
        scores: real scores, shape [n, k].
        tokens: visual tokens of every rung, shape [k] or [n, k].
        flops: of one whole answer at every rung, shape [n, k].
        once_flops: of these what further answers of a sample save, shape [n, 1].
    """
    rows = []
    spending, own = escalation.rule.spending, flops - once_flops
    for name, price in escalation.prices.items():
        visited = [walks.take(escalation.rule, price)]
        by_tokens, by_flops = (
            pay(
                visited,
                np.array([price]),
                costs,
                scores,
                kept_cache=spending.kept_cache,
                again=again,
            )
            for costs, again in ((tokens, 0.0), (own, spending.again * own[:, -1]))
        )
        rows.append(
            AtPrice(
                name,
                float(by_tokens.scores.mean()),
                float(by_tokens.costs.mean()),
                float(visited[0].sum(axis=1).mean()),
                float(by_tokens.costs.max()),
                float((by_flops.costs + once_flops[:, 0]).mean()),
            )
        )
    return rows


def compare(
    rules: Mapping[str, Swept],
    scores: FloatArray,
    tokens: FloatArray,
    rng: np.random.Generator,
    *,
    resamples: int = 200,
) -> dict[str, PathFigures]:
    """Return the figures of every rule at five mean costs and over the range.

    Args:
        rules: by name.
        scores: real scores, shape [n, k].
        tokens: visual tokens of every rung, shape [k] or [n, k].
        rng: draws of the bootstrap.
        resamples: of the bootstrap.
    """
    at = five_budgets(rung_means(np.broadcast_to(tokens, scores.shape)))
    return path_figures(rules, scores, tokens, at, rng, resamples=resamples)


def five_budgets(tokens: FloatArray) -> FloatArray:
    """Return mean tokens spaced evenly in log strictly between the cheapest and the full rung."""
    budgets: FloatArray = np.geomspace(tokens[0], tokens[-1], 7)[1:-1].round(2)
    return budgets
