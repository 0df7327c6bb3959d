"""Predictions of many options that learn from one another.

One model per option is noisier than what options differ by, and choosing the best of many noisy
guesses picks the luckiest guess. What the options have in common, how hard a prompt is, is learned
from all of them: out-of-fold predictions of all options are regressed on the scores, as Breiman and
Friedman's "curds and whey" does (1997, "Predicting Multivariate Responses in Multiple Linear
Regression", J. R. Statist. Soc. B 59), with a ridge penalty found by leave-one-out.
"""

from typing import Any

import numpy as np

from budget.errors import PolicyError
from policies.families import make_estimator, restore_predictor
from policies.hull import FloatArray
from policies.predictor_state import PredictorState, StoredPredictor
from policies.score_estimator import ScoreEstimator

PENALTIES = np.geomspace(0.1, 1e5, 13)
# With fewer samples a fold says nothing, and every option keeps its own prediction.
_FEW = 50


class MixedScores:
    """Scores of all options as weighted sums of another predictor's.

    Args:
        base: predicts k scores.
        weights: shape [k, k]; column j makes option j of all of them.
        offsets: shape [k].
    """

    def __init__(self, base: StoredPredictor, weights: FloatArray, offsets: FloatArray) -> None:
        self.base = base
        self.weights = weights
        self.offsets = offsets

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score of every option, shape [n, k], of features [n, d]."""
        # Summed in one order whatever the number of rows, so that a row never depends on others.
        own = self.base.predict(X)
        mixed: FloatArray = np.einsum("nk,kj->nj", own, self.weights, optimize=False)
        return mixed + self.offsets

    def state(self) -> PredictorState:
        """Return what it is made of."""
        arrays = {"weights": self.weights, "offsets": self.offsets}
        return PredictorState("shared", {}, arrays, parts={"base": self.base.state()})


def restore(state: PredictorState, num_features: int, num_rungs: int) -> MixedScores:
    """Return the predictor of a state that :meth:`MixedScores.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    shapes = {"weights": (num_rungs, num_rungs), "offsets": (num_rungs,)}
    found = {name: array.shape for name, array in state.arrays.items()}
    if found != shapes or state.settings or state.texts or set(state.parts) != {"base"}:
        raise PolicyError(f"shared: arrays must be {shapes} beside a part 'base', got {found}")
    arrays = {name: np.asarray(array) for name, array in state.arrays.items()}
    if any(a.dtype != np.float64 or not np.isfinite(a).all() for a in arrays.values()):
        raise PolicyError("shared: weights and offsets must be finite float64")
    if state.parts["base"].kind == state.kind:
        raise PolicyError("shared: its base must be of another family")
    return MixedScores(restore_predictor(state.parts["base"], num_features, num_rungs), **arrays)


class SharedScores(ScoreEstimator):
    """Expected scores of every option, each learned from all.

    Args:
        estimator: predicts scores, unfitted; LightGBM with one model per option by default.
        folds: in how many parts the samples are left out in turn, at least 2.
        random_state: seed of the folds.

    Attributes:
        scores_: the fitted :class:`MixedScores`.
        penalty_: of the ridge regression; infinite if every option kept its own prediction.
    """

    scores_: MixedScores

    def __init__(self, estimator: Any = None, *, folds: int = 4, random_state: int = 0) -> None:
        self.estimator = estimator
        self.folds = folds
        self.random_state = random_state

    def _learn(self, X: FloatArray, scores: FloatArray) -> MixedScores:
        if self.folds < 2:
            raise ValueError(f"folds must be at least 2, got {self.folds}")
        base = self._fit(X, scores)
        weights, offsets, self.penalty_ = self._weights(X, scores)
        return MixedScores(base, weights, offsets)

    def _fit(self, X: FloatArray, y: FloatArray) -> StoredPredictor:
        from sklearn.base import clone

        learner = make_estimator("lightgbm") if self.estimator is None else clone(self.estimator)
        fitted: StoredPredictor = learner.fit(X, y).scores_
        return fitted

    def _weights(self, X: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        num_options = y.shape[1]
        if len(X) < _FEW:
            return np.eye(num_options), np.zeros(num_options), np.inf
        folds = np.random.default_rng(self.random_state).permutation(len(X)) % self.folds
        left_out = np.empty_like(y)
        for fold in range(self.folds):
            held_out = folds == fold
            left_out[held_out] = self._fit(X[~held_out], y[~held_out]).predict(X[held_out])
        return _ridge(left_out, y)


def _ridge(X: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Return weights [k, k], offsets [k] and the penalty of least leave-one-out error."""
    from sklearn.linear_model import RidgeCV

    ridge = RidgeCV(PENALTIES).fit(X, y)
    weights = np.ascontiguousarray(np.reshape(ridge.coef_, (y.shape[1], X.shape[1])).T)
    return weights, np.reshape(ridge.intercept_, y.shape[1]).astype(float), float(ridge.alpha_)
