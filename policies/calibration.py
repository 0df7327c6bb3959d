"""What each price costs and scores, measured once on a calibration split."""

from typing import NamedTuple

import numpy as np

from budget.errors import PolicyError
from policies.allocation import Sweep, price_for_accuracy
from policies.budget_solver import PriceMix, solve_mix
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

# Score units that may be lost against the full scale, by the name of the price that allows it.
ALLOWED_DROPS = {"no-loss": 0.0, "balanced": 0.01, "aggressive": 0.03}
_UNKNOWN = np.zeros(0)
_KIND = "calibration"


class CalibrationTable(NamedTuple):
    """Every choice that a price can lead to on the calibration split, prices falling.

    Attributes:
        prices: score units per cost of the full rung, one between every two prices at which a
            sample's choice changes, shape [r].
        mean_tokens: visual tokens per sample at that price, rising, shape [r].
        scores: mean real score at that price, shape [r].
        mean_flops: FLOPs per sample at that price, shape [r]; [0] where they are not known.
        mean_ms: milliseconds per sample, likewise.
    """

    prices: FloatArray
    mean_tokens: FloatArray
    scores: FloatArray
    mean_flops: FloatArray = _UNKNOWN
    mean_ms: FloatArray = _UNKNOWN

    def mix_for(self, unit: str, mean: float) -> PriceMix:
        """Return the prices that spend exactly a mean cost on the calibration split.

        Args:
            unit: "tokens" (visual), "flops" or "ms".
            mean: cost per sample, in that unit.

        Raises:
            ValueError: if the unit is not known, or not even the dearest price stays within it.
        """
        known = {"tokens": self.mean_tokens, "flops": self.mean_flops, "ms": self.mean_ms}
        if not known[unit].size:
            how = "on curves with FLOPs" if unit == "flops" else "with --cost CALIBRATION_FILE"
            raise ValueError(
                f"the policy was not calibrated for mean_{unit} ({mean:g}); fit it {how}"
            )
        try:
            return solve_mix(self.prices, known[unit], mean)
        except ValueError as error:
            raise ValueError(f"mean_{unit} {error}") from error

    def state(self) -> PredictorState:
        """Return what it is made of: its columns, but for those that are not known."""
        known = {name: column for name, column in self._asdict().items() if column.size}
        return PredictorState(_KIND, arrays=known)


def restore(state: PredictorState) -> CalibrationTable:
    """Return the table of a state that :meth:`CalibrationTable.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    if state.kind != _KIND:
        raise PolicyError(f"the calibration's kind must be {_KIND!r}, got {state.kind!r}")
    settings_of(state, Settings)
    may_lack = set(CalibrationTable._field_defaults)
    there = [n for n in CalibrationTable._fields if n not in may_lack or n in state.arrays]
    refuse_other_names(state, arrays=there)
    rows = state.arrays["prices"].shape[:1]
    table = CalibrationTable(**{name: array_of(state, name, rows) for name in there})
    means = (table.mean_tokens, table.mean_flops, table.mean_ms)
    if any((np.diff(mean) < 0).any() for mean in means) or (np.diff(table.prices) > 0).any():
        raise PolicyError("calibration: prices must fall and mean costs must not")
    if table.prices[-1] < 0:
        raise PolicyError(f"calibration: prices must be at least 0, got {table.prices[-1]}")
    return table


def calibrate(
    expected: FloatArray,
    scores: FloatArray,
    costs: FloatArray,
    tokens: FloatArray,
    *,
    flops: FloatArray | None = None,
    ms: FloatArray | None = None,
) -> CalibrationTable:
    """Return the table of a calibration split.

    Args:
        expected: predicted score of every rung, shape [n, k].
        scores: real score of every rung, shape [n, k].
        costs: what the price is paid on, shape [k].
        tokens: visual tokens of every rung, shape [k], or really taken, shape [n, k]; or what else
            is to be met on average. Where a mean falls with the price, the most so far counts.
        flops: of every rung, shape [k] or [n, k], not falling on average; None where they are not
            known.
        ms: milliseconds, likewise.

    Raises:
        ValueError: if mean FLOPs or milliseconds fall.
    """
    shape = np.shape(scores)

    def spent(values: FloatArray) -> FloatArray:
        means = Sweep(expected, np.broadcast_to(values, shape), costs).frontier().scores
        return np.maximum.accumulate(means)

    def means(values: FloatArray | None) -> FloatArray:
        if values is None:
            return _UNKNOWN
        if (np.diff(np.broadcast_to(values, shape).mean(axis=0)) < 0).any():
            raise ValueError("FLOPs and milliseconds must not fall from any rung to the next")
        return spent(values)

    by_score = Sweep(expected, scores, costs).frontier()
    return CalibrationTable(
        by_score.prices,
        spent(tokens),
        by_score.scores,
        means(flops),
        means(ms),
    )


def named_prices(expected: FloatArray, scores: FloatArray, costs: FloatArray) -> dict[str, float]:
    """Return the price of every allowed drop, found on a calibration split.

    The price is picked where the split just keeps the promise, so on new data it is kept on
    average at best; :mod:`policies.risk_control` has promises with a confidence.
    """
    return {
        name: price_for_accuracy(expected, scores, costs, drop)
        for name, drop in ALLOWED_DROPS.items()
    }
