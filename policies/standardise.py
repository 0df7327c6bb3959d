"""Columns brought to one scale, as linear models and distances need them."""

from typing import Any, NamedTuple

import numpy as np

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.state_checks import array_of

# Standard deviations: what lies further out counts as lying here, so that a picture unlike all
# that were fitted on is not judged by one column alone.
_FURTHEST = 5.0


class Standard(NamedTuple):
    """How columns are brought to mean 0 and deviation 1.

    Attributes:
        centre: mean of each column, shape [d].
        spread: deviation of each column, above 0, shape [d].
    """

    centre: FloatArray
    spread: FloatArray

    def apply(self, X: FloatArray) -> FloatArray:
        """Return the columns of X [n, d] on one scale, none further out than 5 deviations."""
        table: FloatArray = np.clip((X - self.centre) / self.spread, -_FURTHEST, _FURTHEST)
        return table


def standard_of(X: FloatArray) -> Standard:
    """Return what brings the columns of X [n, d] to one scale; a constant column stays at 0."""
    spread = X.std(axis=0)
    # Rounding leaves a constant column a tiny deviation, which must not be divided by.
    constant = spread <= 1e-12 * np.maximum(1.0, np.abs(X).max(axis=0))
    return Standard(X.mean(axis=0), np.where(constant, 1.0, spread))


def restore_standard(state: PredictorState, num_columns: int) -> Standard:
    """Return the arrays ``centre`` and ``spread`` of a state.

    Raises:
        PolicyError: if they are not well formed.
    """
    columns: list[Any] = [array_of(state, name, (num_columns,)) for name in Standard._fields]
    standard = Standard(*columns)
    if not (standard.spread > 1e-30).all():
        raise PolicyError(f"{state.kind}: 'spread' must be above 0, got {standard.spread.min()}")
    return standard
