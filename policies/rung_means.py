"""What rungs really cost on average, where that is not what the scales say; saved with a policy.

Under caps an image costs at most a scale, and with tiles or several images more than one. Who holds
a mean over live traffic plans with these means.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from budget.errors import PolicyError
from budget.rung_tokens import told_apart
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

if TYPE_CHECKING:
    from policies.extras import StoredExtra

KIND = "rungs"
_UNKNOWN = np.zeros(0)


class RungMeans(NamedTuple):
    """Mean cost of every rung on the calibration split, rising.

    Attributes:
        tokens: visual tokens per sample, shape [k].
        flops: FLOPs per sample, shape [k]; [0] where they are not known.
    """

    tokens: FloatArray
    flops: FloatArray = _UNKNOWN

    def state(self) -> PredictorState:
        """Return what it is made of: its columns, but for those that are not known."""
        known = {name: column for name, column in self._asdict().items() if column.size}
        return PredictorState(KIND, arrays=known)


def restore(state: PredictorState, num_features: int, num_rungs: int) -> RungMeans:
    """Return the means of a state that :meth:`RungMeans.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    settings_of(state, Settings)
    names = [name for name in RungMeans._fields if name == "tokens" or name in state.arrays]
    refuse_other_names(state, arrays=names)
    columns = {name: array_of(state, name, (num_rungs,)) for name in names}
    for name, column in columns.items():
        if not (np.isfinite(column).all() and column[0] > 0 and (np.diff(column) > 0).all()):
            raise PolicyError(f"{KIND}: {name} must rise from above 0, got {column.tolist()}")
    return RungMeans(**columns)


def column_means(table: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the mean of every column, shape [k]; exact where all rows are the same.

    Args:
        table: shape [n, k].
        weights: how often each row counts, shape [n]; once by default.

    Example:
        >>> column_means(np.array([[1.0, 4.0], [3.0, 4.0]]), np.array([1.0, 3.0])).tolist()
        [2.5, 4.0]
    """
    count = np.ones(len(table)) if weights is None else weights
    means: FloatArray = table[0] + (count / count.sum()) @ (table - table[0])
    return means


def rung_means(table: ArrayLike) -> FloatArray:
    """Return what every rung costs on average, strictly rising, shape [k].

    Args:
        table: cost of every sample at every rung, shape [n, k].
    """
    return told_apart(np.asarray(table, dtype=np.float64).mean(axis=0))


def means_extra(
    scales: Sequence[int], tokens: FloatArray, flops: FloatArray | None = None
) -> "dict[str, StoredExtra]":
    """Return what a policy carries of its rungs' means: nothing where the scales say them.

    Args:
        scales: of the ladder, length k.
        tokens: visual tokens that samples took, shape [n, k].
        flops: shape [k] or [n, k]; None where they are not known.
    """
    if (tokens == np.asarray(scales)).all():
        return {}
    means = RungMeans(rung_means(tokens))
    if flops is not None:
        means = means._replace(flops=rung_means(np.broadcast_to(flops, tokens.shape)))
    return {KIND: means}
