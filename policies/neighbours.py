"""The family that remembers: the mean score of the most similar samples."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.score_estimator import ScoreEstimator
from policies.standardise import Standard, restore_standard, standard_of
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

_KIND = "neighbours"
_CELLS = 4_000_000  # distances held at once, 32 megabytes
_LEAST_WEIGHT = 1e-9  # so that neighbours which are all equally far count the same


class NeighboursPredictor:
    """Expected scores as the mean of the nearest samples' scores, nearer ones counting more.

    A neighbour's weight falls with the square of its distance and reaches 0 at the furthest one,
    so predictions do not jump where one neighbour gives way to another.

    Args:
        standard: brings the features to one scale.
        importance: what each column counts for in a distance, shape [d].
        rows: the samples, standardised and multiplied by ``importance``, shape [m, d].
        scores: their scores, shape [m, k].
        num_neighbours: how many of them are averaged.
    """

    def __init__(
        self,
        standard: Standard,
        importance: FloatArray,
        rows: FloatArray,
        scores: FloatArray,
        num_neighbours: int,
    ) -> None:
        self.standard = standard
        self.importance = importance
        self.rows = rows
        self.scores = scores
        self.num_neighbours = num_neighbours
        self._squares = np.square(rows).sum(axis=1)

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        step = max(1, _CELLS // len(self.rows))
        parts = [self._predict(X[i : i + step]) for i in range(0, len(X), step)]
        return np.concatenate([np.zeros((0, self.scores.shape[1])), *parts])

    def _predict(self, X: FloatArray) -> FloatArray:
        wanted = self.standard.apply(X) * self.importance
        # The square of a - b without a table of differences; rounding may leave it under 0.
        squares = self._squares - 2 * wanted @ self.rows.T + np.square(wanted).sum(axis=1)[:, None]
        last = self.num_neighbours - 1
        nearest = np.argpartition(squares, last, axis=1)[:, : self.num_neighbours]
        near = np.maximum(np.take_along_axis(squares, nearest, axis=1), 0.0)
        furthest = np.maximum(near.max(axis=1, keepdims=True), 1e-12)
        weights = 1.0 - near / furthest + _LEAST_WEIGHT
        weights /= weights.sum(axis=1, keepdims=True)
        means: FloatArray = np.einsum("nm,nmk->nk", weights, self.scores[nearest])
        return means

    def state(self) -> PredictorState:
        """Return what it is made of; rows need half the room, which they were rounded for."""
        arrays = {
            **self.standard._asdict(),
            "importance": self.importance,
            "rows": self.rows.astype(np.float32),
            "scores": self.scores,
        }
        return PredictorState(_KIND, {"num_neighbours": self.num_neighbours}, arrays)


class NeighboursScores(ScoreEstimator):
    """The mean of the nearest samples' scores, by distances of standardised features.

    Args:
        num_neighbours: how many samples are averaged; all, if there are fewer.
        sharpness: power of each column's correlation with the scores that the column is multiplied
            by; 0 lets all columns count the same, and then most of them are noise.

    Attributes:
        scores_: the fitted :class:`NeighboursPredictor`.
    """

    scores_: NeighboursPredictor

    def __init__(self, *, num_neighbours: int = 100, sharpness: float = 1.0) -> None:
        self.num_neighbours = num_neighbours
        self.sharpness = sharpness

    def _learn(self, X: FloatArray, scores: FloatArray) -> NeighboursPredictor:
        if self.num_neighbours < 1:
            raise ValueError(f"num_neighbours must be at least 1, got {self.num_neighbours}")
        if not 0 <= self.sharpness <= 10:
            raise ValueError(f"sharpness must be in [0, 10], got {self.sharpness}")
        standard = standard_of(X)
        table = standard.apply(X)
        importance = _correlations(table, scores) ** self.sharpness
        rows = (table * importance).astype(np.float32).astype(np.float64)
        count = min(self.num_neighbours, len(rows))
        return NeighboursPredictor(standard, importance, rows, scores, count)


def _correlations(X: FloatArray, scores: FloatArray) -> FloatArray:
    """Return each column's correlation with the scores, in squares the mean over rungs, [d]."""
    around = scores - scores.mean(axis=0)
    deviation = np.maximum(around.std(axis=0), 1e-12)
    found = (X - X.mean(axis=0)).T @ (around / deviation) / len(X)
    means: FloatArray = np.sqrt(np.square(found).mean(axis=1))
    return means


class _Saved(Settings):
    num_neighbours: Annotated[int, Field(ge=1, le=1_000_000)]


def restore(state: PredictorState, num_features: int, num_rungs: int) -> NeighboursPredictor:
    """Return the predictor of a state that :meth:`NeighboursPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    wanted = settings_of(state, _Saved).num_neighbours
    refuse_other_names(state, arrays=[*Standard._fields, "importance", "rows", "scores"])
    rows: Any = array_of(state, "rows", (None, num_features), dtype="float32")
    if wanted > len(rows):
        raise PolicyError(f"{state.kind}: {wanted} neighbours of {len(rows)} samples")
    scores: Any = array_of(state, "scores", (len(rows), num_rungs))
    importance: Any = array_of(state, "importance", (num_features,))
    standard = restore_standard(state, num_features)
    return NeighboursPredictor(standard, importance, rows.astype(np.float64), scores, wanted)
