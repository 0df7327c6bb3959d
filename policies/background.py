"""Typical requests that go with a policy: what one request is compared with to explain it."""

from typing import NamedTuple

import numpy as np

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

KIND = "background"
NUM_ROWS = 32
_MOST_ROWS = 1_000  # an explanation takes them times hundreds of coalitions


class Background(NamedTuple):
    """Features of a few dozen requests that stand for all that a policy was fitted on.

    Attributes:
        features: shape [b, d], in the columns of the policy's schema.
    """

    features: FloatArray

    def state(self) -> PredictorState:
        """Return what it is made of."""
        return PredictorState(KIND, {}, {"features": self.features})


def background_of(
    features: FloatArray, expected: FloatArray, *, num_rows: int = NUM_ROWS
) -> Background:
    """Return requests that stand for a split, the same ones whenever it is asked for.

    The split is put in the order of what the full scale is expected to add over the cheapest and
    cut into parts of one size; the middle of each part is taken. So easy and hard requests are as
    frequent as in the split, which a draw of so few would only be on average.

    Args:
        features: of the split, shape [n, d].
        expected: predicted score of every rung, shape [n, k].
        num_rows: how many are wanted; all, if there are fewer.

    Raises:
        ValueError: if there are no samples.

    Example:
        >>> gains = np.array([[0.0, 0.9], [0.0, 0.1], [0.0, 0.5], [0.0, 0.3]])
        >>> background_of(np.arange(4.0)[:, None], gains, num_rows=2).features.tolist()
        [[3.0], [0.0]]
    """
    if not len(features):
        raise ValueError("a background needs at least one sample")
    order = np.argsort(expected[:, -1] - expected[:, 0], kind="stable")
    count = min(num_rows, len(order))
    middles = ((2 * np.arange(count) + 1) * len(order)) // (2 * count)
    return Background(np.ascontiguousarray(features[order[middles]], dtype=np.float64))


def restore(state: PredictorState, num_features: int, num_rungs: int) -> Background:
    """Return the background of a state that :meth:`Background.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    settings_of(state, Settings)
    refuse_other_names(state, arrays=["features"])
    rows: FloatArray = array_of(state, "features", (None, num_features))
    if len(rows) > _MOST_ROWS:
        raise PolicyError(f"{KIND}: at most {_MOST_ROWS} requests, got {len(rows)}")
    return Background(rows)
