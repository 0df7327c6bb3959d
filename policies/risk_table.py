"""Promises with a confidence, and the price that keeps each; saved with a policy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from budget.errors import PolicyError
from budget.risk import Risk
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

# So far below 0 that no difference of scores in [0, 1] outweighs the dearest rung.
FULL_SCALE_PRICE = -1e9
_KIND = "risks"
_COLUMNS = ("epsilon", "delta", "price", "mean_tokens", "loss")


class RiskPrice(NamedTuple):
    """A promise, and the price that keeps it.

    Attributes:
        risk: what is promised.
        price: score units per cost of the full rung; ``FULL_SCALE_PRICE`` if no cheaper choice was
            shown to keep the promise.
        mean_tokens: visual tokens per sample at that price on the calibration split.
        loss: full scale's mean score less the choice's on that split.
    """

    risk: Risk
    price: float
    mean_tokens: float
    loss: float

    @property
    def is_full_scale(self) -> bool:
        """Whether only the full scale keeps the promise."""
        return self.price == FULL_SCALE_PRICE


class RiskTable(NamedTuple):
    """The promises that a policy was calibrated for.

    Attributes:
        rows: at least one.
    """

    rows: Sequence[RiskPrice] = ()

    def find(self, risk: Risk) -> RiskPrice:
        """Return the promise that gives what is asked: that very one, or else a stricter one.

        Among stricter ones it is the least strict, by epsilon first. Which one it is must not
        hang on the prices, or the promise would be chosen by the data it was tested on.

        Raises:
            ValueError: if none is as strict.
        """
        enough = [
            row
            for row in self.rows
            if row.risk.epsilon <= risk.epsilon and row.risk.delta <= risk.delta
        ]
        if not enough:
            known = ", ".join(f"{r.risk.epsilon:g}:{r.risk.delta:g}" for r in self.rows) or "none"
            raise ValueError(
                f"the policy was not calibrated for {risk} (epsilon:delta known: {known}); "
                f"fit it with --risk {risk.epsilon:g}:{risk.delta:g}"
            )
        return max(enough, key=lambda row: (row.risk.epsilon, row.risk.delta))

    def state(self) -> PredictorState:
        """Return what it is made of: its columns."""
        rows = [(*_numbers(row.risk), *row[1:]) for row in self.rows]
        table = np.array(rows, dtype=np.float64).reshape(-1, len(_COLUMNS))
        return PredictorState(_KIND, arrays=dict(zip(_COLUMNS, table.T, strict=True)))


def _numbers(risk: Risk) -> tuple[float, float]:
    return risk.epsilon, risk.delta


def restore(state: PredictorState, num_features: int, num_rungs: int) -> RiskTable:
    """Return the table of a state that :meth:`RiskTable.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    settings_of(state, Settings)
    refuse_other_names(state, arrays=_COLUMNS)
    shape = (len(array_of(state, "price", (None,))),)
    columns = [array_of(state, name, shape).tolist() for name in _COLUMNS]
    rows = []
    for epsilon, delta, *rest in zip(*columns, strict=True):
        try:
            rows.append(RiskPrice(Risk(epsilon, delta), *rest))
        except ValueError as error:
            raise PolicyError(f"{_KIND}: {error}") from error
    return RiskTable(tuple(rows))
