"""The family that looks at nothing: every sample gets the mean curve."""

from typing import Any

import numpy as np

from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.score_estimator import ScoreEstimator
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

_KIND = "mean"


class MeanPredictor:
    """Expects the same scores of every sample, so that every price means one fixed scale.

    Args:
        means: expected score of every rung, shape [k].
    """

    def __init__(self, means: FloatArray) -> None:
        self.means = means

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the same row for every row of features [n, d], shape [n, k]."""
        return np.tile(self.means, (len(X), 1))

    def state(self) -> PredictorState:
        """Return what it is made of: one curve."""
        return PredictorState(_KIND, arrays={"means": self.means})


class MeanScores(ScoreEstimator):
    """Every sample gets the mean scores of the samples it was fitted on: a fixed scale."""

    scores_: MeanPredictor

    def _learn(self, X: FloatArray, scores: FloatArray) -> MeanPredictor:
        return MeanPredictor(scores.mean(axis=0))


def restore(state: PredictorState, num_features: int, num_rungs: int) -> MeanPredictor:
    """Return the predictor of a state that :meth:`MeanPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    settings_of(state, Settings)
    refuse_other_names(state, arrays=["means"])
    means: Any = array_of(state, "means", (num_rungs,))
    return MeanPredictor(means)
