"""Whether a policy's predicted scores mean what they say, at the rungs that it chooses."""

from typing import NamedTuple

import numpy as np

from budget.bootstrap import intervals
from experiments.report.assessment import chosen_rungs
from experiments.report.runs import PolicyChoices
from experiments.report.section import Value
from experiments.report.verdicts import around
from oracle.curves import Curves
from policies.calibration_report import expected_calibration_error
from policies.hull import FloatArray


class Expectation(NamedTuple):
    """What a policy expects of its choices, and what comes of them.

    Attributes:
        expected: mean predicted score at the chosen rungs.
        over: that less the mean real score there; above 0 it promises too much.
        error: expected calibration error of these predictions, see
            :func:`policies.calibration_report.expected_calibration_error`.
    """

    expected: Value
    over: Value
    error: Value


def measure_expectation(
    curves: Curves, policy: PolicyChoices, rng: np.random.Generator, resamples: int
) -> Expectation:
    """Return how well a policy knows what it gets at its own price.

    Args:
        curves: real scores.
        policy: whose predictions.
        rng: where the resamples come from.
        resamples: how many times the samples are drawn anew.
    """
    at = (np.arange(len(curves)), chosen_rungs(policy))
    predicted, real = policy.expected[at], curves.scores[at]
    order = np.argsort(predicted, kind="stable")
    predicted, real = predicted[order], real[order]

    def statistics(counts: FloatArray) -> FloatArray:
        mean = counts @ predicted / counts.sum()
        over = mean - counts @ real / counts.sum()
        return np.array([mean, over, expected_calibration_error(predicted, real, weights=counts)])

    own = statistics(np.ones(len(curves))).tolist()
    spans = intervals(statistics, len(curves), rng, resamples=resamples)
    return Expectation(*(around(x, *span) for x, span in zip(own, spans, strict=True)))
