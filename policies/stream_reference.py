"""What requests looked like on the calibration split: a few kilobytes that go with the policy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

MIN_SAMPLES = 40
_KIND = "stream"
_BINS = 32
# Features that are watched beside the predicted scores: those that decide most.
_WATCHED = 8
# Share of the calibration split that may be called outliers.
_OUTLIERS = 0.002
# A feature this many widths of its range outside it makes an outlier by itself.
_FAR = 0.5


class _Settings(Settings):
    outlier_share: float


class StreamReference(NamedTuple):
    """Quantiles, counts and ranges of a calibration split.

    One half of the split says where the bins end and what the range is; only the other half is
    counted. So a request and the counted samples are put into bins by a rule that knows neither,
    and are exchangeable while nothing has changed, which the monitor's exactness rests on.

    Attributes:
        columns: features that are watched, shape [w]; after them come the predicted scores.
        edges: rising ends of the bins of everything that is watched, shape [w + k, b - 1].
        counts: samples of the counted half in each bin, shape [w + k, b].
        low: smallest value of every feature, shape [d].
        high: largest, shape [d].
        outlier_share: share of features outside their range over which a request is an outlier.
    """

    columns: NDArray[np.int64]
    edges: FloatArray
    counts: NDArray[np.int64]
    low: FloatArray
    high: FloatArray
    outlier_share: float

    def watched(self, features: FloatArray, expected: FloatArray) -> FloatArray:
        """Return what is watched of features [n, d] and predicted scores [n, k], [n, w + k]."""
        return np.concatenate([features[:, self.columns], expected], axis=1)

    def outside(self, features: FloatArray) -> FloatArray:
        """Return which share of each row's features lies outside the range seen, shape [n]."""
        share: FloatArray = np.count_nonzero(self._is_outside(features), axis=1) / len(self.low)
        return share

    def _is_outside(self, features: FloatArray) -> NDArray[np.bool_]:
        outside: NDArray[np.bool_] = (features < self.low) | (features > self.high)
        return outside

    def outliers(self, features: FloatArray) -> NDArray[np.bool_]:
        """Say of every request, features [n, d], whether the calibration knew none like it.

        That is so where too many features lie outside their range, or one lies far outside. A cheap
        look at each feature for itself: a new combination of known values is not seen.
        """
        if not self._is_outside(features).any():
            return np.zeros(len(features), dtype=bool)  # as nearly always; decisions wait for this
        reach = _FAR * (self.high - self.low)
        # A feature that never changed has no measure of far; it counts with the others.
        reach[reach == 0] = np.inf
        far = ((features < self.low - reach) | (features > self.high + reach)).any(axis=1)
        outliers: NDArray[np.bool_] = far | (self.outside(features) > self.outlier_share)
        return outliers

    def state(self) -> PredictorState:
        """Return what it is made of."""
        arrays = self._asdict()
        share = arrays.pop("outlier_share")
        return PredictorState(_KIND, {"outlier_share": share}, arrays)


def stream_reference(
    features: FloatArray, expected: FloatArray, *, rng: np.random.Generator
) -> StreamReference:
    """Return the reference of a calibration split.

    Args:
        features: shape [n, d], n at least ``MIN_SAMPLES``.
        expected: predicted score of every rung, shape [n, k].
        rng: halves the split.

    Raises:
        ValueError: if there are too few samples.
    """
    if len(features) < MIN_SAMPLES:
        raise ValueError(f"at least {MIN_SAMPLES} samples are needed, got {len(features)}")
    order = rng.permutation(len(features))
    known, counted = order[: len(order) // 2], order[len(order) // 2 :]
    columns = _most_telling(features[known], expected[known])
    seen = np.concatenate([features[:, columns], expected], axis=1)
    edges = np.quantile(seen[known], np.arange(1, _BINS) / _BINS, axis=0).T
    reference = StreamReference(
        columns,
        np.ascontiguousarray(edges),
        count_bins(bins_of(seen[counted], edges), _BINS),
        features[known].min(axis=0),
        features[known].max(axis=0),
        0.0,
    )
    share = np.quantile(reference.outside(features[counted]), 1 - _OUTLIERS, method="higher")
    return reference._replace(outlier_share=float(share))


def _most_telling(features: FloatArray, expected: FloatArray) -> NDArray[np.int64]:
    """Return the features that go most with what the full scale is expected to add."""
    gain = expected[:, -1] - expected[:, 0]
    centred = features - features.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    # A feature that never changes goes with nothing.
    strength = np.abs((gain - gain.mean()) @ centred) / np.where(spread > 0, spread, np.inf)
    return np.sort(np.argsort(-strength, kind="stable")[:_WATCHED])


def bins_of(values: FloatArray, edges: FloatArray) -> NDArray[np.int64]:
    """Return in which bin each of values [n, c] lies, given edges [c, b - 1], shape [n, c]."""
    bins: NDArray[np.int64] = (values[:, :, None] > edges).sum(axis=2)
    return bins


def count_bins(bins: NDArray[np.int64], num_bins: int) -> NDArray[np.int64]:
    """Return how many of bins [n, c] are each bin, shape [c, num_bins]."""
    return np.stack([np.bincount(column, minlength=num_bins) for column in bins.T])


def restore(state: PredictorState, num_features: int, num_rungs: int) -> StreamReference:
    """Return the reference of a state that :meth:`StreamReference.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    share = settings_of(state, _Settings).outlier_share
    refuse_other_names(state, arrays=StreamReference._fields[:-1])
    columns = array_of(state, "columns", (None,), dtype="int64")
    watched = len(columns) + num_rungs
    edges = array_of(state, "edges", (watched, None))
    counts = array_of(state, "counts", (watched, edges.shape[1] + 1), dtype="int64")
    low, high = (array_of(state, name, (num_features,)) for name in ("low", "high"))
    if columns.min() < 0 or columns.max() >= num_features:
        raise PolicyError(f"{_KIND}: columns must be from 0 to {num_features - 1}")
    if (np.diff(edges, axis=1) < 0).any() or (counts < 0).any() or (low > high).any():
        raise PolicyError(f"{_KIND}: edges must rise, counts and ranges must not be negative")
    if len(set(counts.sum(axis=1).tolist())) > 1:
        raise PolicyError(f"{_KIND}: every row of counts must have the same sum")
    return StreamReference(columns, edges, counts, low, high, share)
