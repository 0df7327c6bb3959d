"""What each price costs and scores, measured once on a calibration split."""

from typing import NamedTuple

import numpy as np

from policies.allocation import Sweep, price_for_accuracy
from policies.budget_solver import PriceMix, solve_mix
from policies.hull import FloatArray

# Score units that may be lost against the full scale, by the name of the price that allows it.
ALLOWED_DROPS = {"no-loss": 0.0, "balanced": 0.01, "aggressive": 0.03}
_UNKNOWN = np.zeros(0)


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
        tokens: visual tokens of every rung, shape [k].
        flops: of every rung, shape [k] or [n, k], rising; None where they are not known.
        ms: milliseconds, likewise.
    """
    shape = np.shape(scores)

    def means(values: FloatArray | None) -> FloatArray:
        if values is None:
            return _UNKNOWN
        return Sweep(expected, np.broadcast_to(values, shape), costs).frontier().scores

    by_score = Sweep(expected, scores, costs).frontier()
    return CalibrationTable(
        by_score.prices, means(tokens), by_score.scores, means(flops), means(ms)
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
