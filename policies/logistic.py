"""The linear family: one regularised logistic regression per rung."""

from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.optimize import minimize
from scipy.special import expit

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.predictor_state import PredictorState
from policies.score_estimator import ScoreEstimator
from policies.standardise import Standard, restore_standard, standard_of
from policies.state_checks import Settings, array_of, refuse_other_names, settings_of

_KIND = "logistic"
# A rung that is always right or always wrong would have a constant without end.
_LARGEST_BIAS = 12.0


class LogisticPredictor:
    """Expected scores as logistic functions of the features.

    Args:
        standard: brings the features to one scale.
        weights: of the features, shape [d, k].
        bias: of every rung, shape [k].
        low: score that the function's 0 stands for.
        high: score that its 1 stands for.
    """

    def __init__(
        self, standard: Standard, weights: FloatArray, bias: FloatArray, low: float, high: float
    ) -> None:
        self.standard = standard
        self.weights = weights
        self.bias = bias
        self.low = low
        self.high = high

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        share = expit(self.standard.apply(X) @ self.weights + self.bias)
        scores: FloatArray = self.low + (self.high - self.low) * share
        return scores

    def state(self) -> PredictorState:
        """Return what it is made of."""
        arrays = {**self.standard._asdict(), "weights": self.weights, "bias": self.bias}
        return PredictorState(_KIND, {"low": self.low, "high": self.high}, arrays)


class LogisticScores(ScoreEstimator):
    """One logistic regression per rung on standardised features.

    Scores may be right/wrong or anything between: each counts as a share of right ones
    (cross-entropy). Scores beyond [0, 1] are first brought from their own range onto it.

    Args:
        penalty: on the squares of the weights, at least 0, relative to the mean cross-entropy of a
            sample: 1 / (C n) in scikit-learn's words.
        max_iter: steps of L-BFGS.

    Attributes:
        scores_: the fitted :class:`LogisticPredictor`.
    """

    scores_: LogisticPredictor

    def __init__(self, *, penalty: float = 0.01, max_iter: int = 200) -> None:
        self.penalty = penalty
        self.max_iter = max_iter

    def _learn(self, X: FloatArray, scores: FloatArray) -> LogisticPredictor:
        if not (np.isfinite(self.penalty) and self.penalty >= 0):
            raise ValueError(f"penalty must be a number of at least 0, got {self.penalty}")
        low, high = score_range(scores)
        standard = standard_of(X)
        shares = (scores - low) / (high - low)
        weights, bias = fit_logistic(standard.apply(X), shares, self.penalty, self.max_iter)
        return LogisticPredictor(standard, weights, bias, low, high)


def score_range(scores: FloatArray) -> tuple[float, float]:
    """Return 0 and 1 or, where scores lie beyond, their least and largest with room for both."""
    return min(0.0, float(scores.min())), max(1.0, float(scores.max()))


def fit_logistic(
    X: FloatArray, shares: FloatArray, penalty: float, max_iter: int
) -> tuple[FloatArray, FloatArray]:
    """Return weights [d, k] and biases [k] of the least cross-entropy plus penalty.

    Args:
        X: standardised features, shape [n, d].
        shares: targets in [0, 1], shape [n, k].
        penalty: on half the squares of the weights; biases have none.
        max_iter: steps of L-BFGS.
    """
    (num_samples, width), num_rungs = X.shape, shares.shape[1]

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights, bias = np.split(flat.reshape(width + 1, num_rungs), [width])
        logits = X @ weights + bias
        value = (np.logaddexp(0.0, logits) - shares * logits).sum() / num_samples
        wrong = (expit(logits) - shares) / num_samples
        gradient = np.concatenate([X.T @ wrong + penalty * weights, wrong.sum(axis=0)[None]])
        return value + 0.5 * penalty * float(np.square(weights).sum()), gradient.ravel()

    limits = [(None, None)] * (width * num_rungs) + [(-_LARGEST_BIAS, _LARGEST_BIAS)] * num_rungs
    start = np.zeros((width + 1) * num_rungs)
    options = {"maxiter": max_iter, "ftol": 1e-10, "gtol": 1e-6}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    table = found.x.reshape(width + 1, num_rungs)
    return table[:-1].copy(), table[-1].copy()


Score = Annotated[float, Field(ge=-1e30, le=1e30)]


class _Saved(Settings):
    low: Score
    high: Score


def restore(state: PredictorState, num_features: int, num_rungs: int) -> LogisticPredictor:
    """Return the predictor of a state that :meth:`LogisticPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    settings = settings_of(state, _Saved)
    refuse_other_names(state, arrays=[*Standard._fields, "weights", "bias"])
    if settings.low >= settings.high:
        raise PolicyError(f"{state.kind}: low {settings.low} must be under high {settings.high}")
    weights: Any = array_of(state, "weights", (num_features, num_rungs))
    bias: Any = array_of(state, "bias", (num_rungs,))
    standard = restore_standard(state, num_features)
    return LogisticPredictor(standard, weights, bias, settings.low, settings.high)
