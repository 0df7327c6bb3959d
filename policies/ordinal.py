"""The family that predicts the label itself: the smallest rung that suffices."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from budget.stable import stable_scores
from policies.families import known_settings, make_estimator, restore_predictor
from policies.hull import FloatArray
from policies.isotonic import isotonic_rows
from policies.predictor_state import PredictorState, StoredPredictor
from policies.score_estimator import ScoreEstimator
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

_KIND = "ordinal"


class OrdinalPredictor:
    """Expected scores from the probability of every label.

    Args:
        base: expects, at every rung, the probability that this rung suffices.
        curves: mean scores of the samples of each label, shape [k + 1, k]; the last label is that
            no rung suffices.
    """

    def __init__(self, base: StoredPredictor, curves: FloatArray) -> None:
        self.base = base
        self.curves = curves

    def predict_sufficient(self, X: FloatArray) -> FloatArray:
        """Return the probability that each rung suffices, shape [n, k], never falling in a row."""
        return isotonic_rows(np.clip(self.base.predict(X), 0.0, 1.0))

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        labels = np.diff(self.predict_sufficient(X), axis=1, prepend=0.0, append=1.0)
        return labels @ self.curves

    def state(self) -> PredictorState:
        """Return what it is made of."""
        return PredictorState(
            _KIND, arrays={"curves": self.curves}, parts={"base": self.base.state()}
        )


class OrdinalScores(ScoreEstimator):
    """Is this rung enough? One binary question per rung, and what each answer is worth.

    The label is the minimal sufficient rung under the stable rule: the first from which on the
    score never again falls under that of the full scale; a sample that full scores 0 on has no
    such rung. The questions "is the label at most this rung" are learned apart (Frank and Hall
    2001, "A simple approach to ordinal classification"), so their probabilities are made monotone.
    A label's probability then brings in the mean curve of its samples, luck at smaller rungs
    included, so that the price rule applies as for any other family.

    Args:
        base: family that learns the questions.
        random_state: seed of the base, where it takes one.
        num_threads: of the base's fit, where it takes them.

    Attributes:
        scores_: the fitted :class:`OrdinalPredictor`.
    """

    scores_: OrdinalPredictor

    def __init__(
        self, *, base: str = "lightgbm", random_state: int = 0, num_threads: int = 1
    ) -> None:
        self.base = base
        self.random_state = random_state
        self.num_threads = num_threads

    def _learn(self, X: FloatArray, scores: FloatArray) -> OrdinalPredictor:
        common = {"random_state": self.random_state, "num_threads": self.num_threads}
        base = make_estimator(self.base, **known_settings(self.base, common))
        enough = sufficient(scores)
        base.fit(X, enough.astype(np.float64))
        return OrdinalPredictor(base.scores_, _mean_curves(scores, enough))


def sufficient(scores: FloatArray) -> NDArray[np.bool_]:
    """Return whether each rung suffices under the stable rule, shape [n, k].

    Example:
        >>> sufficient(np.array([[1.0, 0.0, 1.0], [0.3, 0.3, 0.3], [1.0, 0.0, 0.0]])).astype(int)
        array([[0, 0, 1],
               [1, 1, 1],
               [0, 0, 0]])
    """
    stable = stable_scores(scores)
    full = stable[:, -1:]
    enough: NDArray[np.bool_] = (stable >= full) & (full > min(0.0, float(scores.min())))
    return enough


def _mean_curves(scores: FloatArray, enough: NDArray[np.bool_]) -> FloatArray:
    """Return the mean scores of each label's samples; of a label that never comes, those of all."""
    num_rungs = scores.shape[1]
    labels = num_rungs - enough.sum(axis=1).astype(np.int64)
    curves = np.tile(scores.mean(axis=0), (num_rungs + 1, 1))
    for label in np.unique(labels):
        curves[label] = scores[labels == label].mean(axis=0)
    return curves


def restore(state: PredictorState, num_features: int, num_rungs: int) -> OrdinalPredictor:
    """Return the predictor of a state that :meth:`OrdinalPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    settings_of(state, Settings)
    refuse_other_names(state, arrays=["curves"], parts=["base"])
    curves: Any = array_of(state, "curves", (num_rungs + 1, num_rungs))
    return OrdinalPredictor(restore_predictor(state.parts["base"], num_features, num_rungs), curves)
