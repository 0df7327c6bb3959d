"""How much of the oracle's gain over fixed scales a rule closes, with intervals."""

from typing import NamedTuple

import numpy as np

from budget.stable import stable_scores
from policies.allocation import Sweep, check_tables
from policies.bootstrap import Interval, percentiles, resample_counts
from policies.frontier import Gap, gap_closed_area
from policies.hull import FloatArray, hull_of


class GapInterval(NamedTuple):
    """Gap-closed areas with the interval of each.

    Attributes:
        gap: the areas on the samples themselves.
        stable: interval of ``gap.stable``.
        any_correct: interval of ``gap.any_correct``.
    """

    gap: Gap
    stable: Interval
    any_correct: Interval


class GapMeter:
    """Measures rules against the oracles and the fixed scales of one table of real scores.

    Areas run from the cheapest to the dearest rung's mean cost, costs on a logarithmic axis,
    relative to the hull of the fixed scales (:func:`policies.frontier.gap_closed_area`).

    Args:
        scores: real score of every rung, shape [n, k].
        costs: what every rung really costs, shape [k] or [n, k]; the oracles choose by it and all
            pay it.
        chosen_by: what rules believe that every rung costs, shape [k] or [n, k]; by default
            ``costs``. Where costs are known only afterwards, what they are on average.

    Example:
        >>> scores = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
        >>> meter = GapMeter(scores, np.array([1.0, 16.0]))
        >>> round(meter.measure(scores).stable, 9)
        1.0
    """

    def __init__(
        self, scores: FloatArray, costs: FloatArray, *, chosen_by: FloatArray | None = None
    ) -> None:
        self._scores, self._costs = check_tables(scores, costs)
        self._chosen_by = self._costs if chosen_by is None else chosen_by
        self._stable = Sweep(stable_scores(self._scores), self._scores, self._costs)
        self._any = Sweep(self._scores, self._scores, self._costs)

    def sweep(self, expected: FloatArray) -> Sweep:
        """Return the sweep of a rule that chooses by ``expected``, shape [n, k]."""
        return Sweep(expected, self._scores, self._chosen_by, paid=self._costs)

    def measure(self, expected: FloatArray) -> Gap:
        """Return the areas closed by a rule that chooses by ``expected``, shape [n, k]."""
        return self._gap(self.sweep(expected), np.ones(len(self._scores)))

    def measure_with_interval(
        self,
        expected: FloatArray,
        rng: np.random.Generator,
        *,
        resamples: int = 200,
        level: float = 0.95,
        decision_cost: float = 0.0,
    ) -> GapInterval:
        """Return the areas and their intervals over resampled samples.

        The rule, the oracles and the hull are all resampled together.

        Args:
            expected: what the rule chooses by, shape [n, k].
            rng: draws of the bootstrap.
            resamples: of the bootstrap.
            level: share of the resamples inside an interval, in (0, 1).
            decision_cost: what a decision costs, in the unit of the costs. Below the rule's first
                point the cheapest rung is then taken undecided, now and then.
        """
        sweep, num_samples = self.sweep(expected), len(self._scores)
        counts = resample_counts(num_samples, resamples, rng)
        drawn = np.array([self._gap(sweep, row, decision_cost) for row in counts])
        return GapInterval(
            self._gap(sweep, np.ones(num_samples), decision_cost),
            percentiles(drawn[:, 0], level),
            percentiles(drawn[:, 1], level),
        )

    def _gap(self, sweep: Sweep, weights: FloatArray, decision_cost: float = 0.0) -> Gap:
        total = weights.sum()
        costs = weights @ self._costs / total
        hull = hull_of(costs, weights @ self._scores / total)
        policy = sweep.frontier(weights)
        if decision_cost:
            policy = policy.after(decision_cost, hull)
        return Gap(
            *(
                gap_closed_area(policy, oracle.frontier(weights), hull, float(costs.max()))
                for oracle in (self._stable, self._any)
            )
        )
