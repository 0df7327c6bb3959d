"""A predictor of what each rung adds to the one before it, summed to scores."""

from typing import Any

import numpy as np
from sklearn.base import clone

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState, StoredPredictor
from policies.score_estimator import ScoreEstimator
from policies.scores import LightGBMScores


class SummedGains:
    """Expected scores: the first rung's, plus the expected gain of every further rung.

    Args:
        gains: predicts the first score and then gains, shape [n, k].
    """

    def __init__(self, gains: StoredPredictor) -> None:
        self.gains = gains

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        return np.cumsum(self.gains.predict(X), axis=1)

    def state(self) -> PredictorState:
        """Return what it is made of: the predictor of gains."""
        return PredictorState("gains", parts={"gains": self.gains.state()})


def restore(state: PredictorState, num_features: int, num_rungs: int) -> SummedGains:
    """Return the predictor of a state that :meth:`SummedGains.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    from policies.families import restore_predictor

    if set(state.parts) != {"gains"} or state.settings or state.arrays or state.texts:
        raise PolicyError(f"gains need one part, 'gains', and no more, got {sorted(state.parts)}")
    return SummedGains(restore_predictor(state.parts["gains"], num_features, num_rungs))


class GainScores(ScoreEstimator):
    """Predict gains over the next smaller rung instead of scores.

    What a choice depends on is the difference between rungs. A regressor that is fitted on it is
    not distracted by what moves all rungs alike, and its trees stop where gains stop to be told
    apart.

    Args:
        regressor: unfitted estimator of scores that takes any numbers; LightGBM's regression by
            default.

    Attributes:
        scores_: the fitted :class:`SummedGains`.
    """

    scores_: SummedGains

    def __init__(self, regressor: Any = None) -> None:
        self.regressor = regressor

    def _learn(self, X: FloatArray, scores: FloatArray) -> SummedGains:
        regressor = (
            LightGBMScores(objective="regression") if self.regressor is None else self.regressor
        )
        gains = np.diff(scores, axis=1, prepend=0.0)
        return SummedGains(clone(regressor).fit(X, gains).scores_)
