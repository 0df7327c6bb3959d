"""What each price costs and scores, measured once on a calibration split."""

from typing import NamedTuple

import numpy as np

from budget.errors import PolicyError
from policies.allocation import Sweep, price_for_accuracy
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

# Score units that may be lost against the full scale, by the name of the price that allows it.
ALLOWED_DROPS = {"no-loss": 0.0, "balanced": 0.01, "aggressive": 0.03}
_MAX_ROWS = 200
_KIND = "calibration"


class CalibrationTable(NamedTuple):
    """Prices and what they lead to, prices falling, at most a few hundred rows.

    Attributes:
        prices: score units per cost of the full rung, shape [r].
        mean_tokens: visual tokens per sample at that price, rising, shape [r].
        scores: mean real score at that price, shape [r].
    """

    prices: FloatArray
    mean_tokens: FloatArray
    scores: FloatArray

    def price_for_tokens(self, mean_tokens: float) -> float:
        """Return the smallest price of the table that stays within a mean of visual tokens.

        Raises:
            ValueError: if not even the dearest price does.
        """
        within = np.flatnonzero(self.mean_tokens <= mean_tokens * (1 + 1e-12))
        if within.size == 0:
            raise ValueError(
                f"mean_tokens must be at least {self.mean_tokens[0]:g}, got {mean_tokens:g}"
            )
        return float(self.prices[within[-1]])

    def state(self) -> PredictorState:
        """Return what it is made of: its three columns."""
        return PredictorState(_KIND, arrays=self._asdict())


def restore(state: PredictorState) -> CalibrationTable:
    """Return the table of a state that :meth:`CalibrationTable.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    if state.kind != _KIND:
        raise PolicyError(f"the calibration's kind must be {_KIND!r}, got {state.kind!r}")
    settings_of(state, Settings)
    refuse_other_names(state, arrays=CalibrationTable._fields)
    rows = state.arrays["prices"].shape[:1]
    table = CalibrationTable(*(array_of(state, name, rows) for name in CalibrationTable._fields))
    if (np.diff(table.mean_tokens) < 0).any() or (np.diff(table.prices) > 0).any():
        raise PolicyError("calibration: prices must fall and mean_tokens must not")
    if table.prices[-1] < 0:
        raise PolicyError(f"calibration: prices must be at least 0, got {table.prices[-1]}")
    return table


def calibrate(
    expected: FloatArray, scores: FloatArray, costs: FloatArray, tokens: FloatArray
) -> CalibrationTable:
    """Return the table of a calibration split.

    Args:
        expected: predicted score of every rung, shape [n, k].
        scores: real score of every rung, shape [n, k].
        costs: what the price is paid on, shape [k].
        tokens: visual tokens of every rung, shape [k].
    """
    by_score = Sweep(expected, scores, costs).frontier()
    by_tokens = Sweep(expected, np.broadcast_to(tokens, np.shape(scores)), costs).frontier()
    kept = _spread(by_tokens.scores)
    return CalibrationTable(by_score.prices[kept], by_tokens.scores[kept], by_score.scores[kept])


def _spread(tokens: FloatArray) -> list[int]:
    """Return rows that cover rising token counts evenly, on a linear and on a log axis."""
    half = _MAX_ROWS // 2
    targets = np.concatenate(
        [np.linspace(tokens[0], tokens[-1], half), np.geomspace(tokens[0], tokens[-1], half)]
    )
    rows = np.searchsorted(tokens, targets * (1 + 1e-12), side="right") - 1
    return sorted({0, len(tokens) - 1, *rows.clip(0).tolist()})


def named_prices(expected: FloatArray, scores: FloatArray, costs: FloatArray) -> dict[str, float]:
    """Return the price of every allowed drop, found on a calibration split.

    The price is picked where the split just keeps the promise, so on new data it is kept on
    average at best; a promise with a confidence needs a margin.
    """
    return {
        name: price_for_accuracy(expected, scores, costs, drop)
        for name, drop in ALLOWED_DROPS.items()
    }
