"""Another predictor's scores, rung by rung made to mean what they say."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from budget.errors import PolicyError
from policies.calibration_maps import METHODS, CalibrationMap, choose_method, fit_map
from policies.hull import FloatArray
from policies.predictor_state import PredictorState, StoredPredictor
from policies.score_estimator import ScoreEstimator
from policies.scores import LightGBMScores
from policies.training_tables import fold_numbers, in_unit_interval, out_of_fold

_ANY_SCORES = ("none", "isotonic")  # maps that need no probabilities


class CalibratedPredictor:
    """Expected scores, each rung's sent through a map of its own.

    Args:
        base: predictor whose scores are calibrated.
        maps: one per rung.
    """

    def __init__(self, base: StoredPredictor, maps: Sequence[CalibrationMap]) -> None:
        self.base = base
        self.maps = tuple(maps)

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        predicted = self.base.predict(X).T
        return np.column_stack([m(column) for m, column in zip(self.maps, predicted, strict=True)])

    def state(self) -> PredictorState:
        """Return what it is made of: the base's state, and the numbers of every map."""
        return PredictorState(
            "calibrated",
            {"methods": [rung_map.method for rung_map in self.maps]},
            arrays={f"map_{i}": rung_map.numbers for i, rung_map in enumerate(self.maps)},
            parts={"base": self.base.state()},
        )


def restore(state: PredictorState, num_features: int, num_rungs: int) -> CalibratedPredictor:
    """Return the predictor of a state that :meth:`CalibratedPredictor.state` returned.

    Raises:
        PolicyError: if the state, or that of the base, is not well formed.
    """
    from policies.families import restore_predictor

    methods = state.settings.get("methods")
    if set(state.settings) != {"methods"} or not isinstance(methods, list):
        raise PolicyError(f"calibrated scores need a list 'methods', got {dict(state.settings)}")
    if len(methods) != num_rungs or not all(method in METHODS for method in methods):
        raise PolicyError(f"'methods' must be {num_rungs} of {METHODS}, got {methods}")
    names = [f"map_{i}" for i in range(num_rungs)]
    if set(state.arrays) != set(names) or set(state.parts) != {"base"} or state.texts:
        raise PolicyError(f"calibrated scores need arrays {names} and a part 'base'")
    maps = [
        _checked_map(method, state.arrays[name])
        for method, name in zip(methods, names, strict=True)
    ]
    return CalibratedPredictor(
        restore_predictor(state.parts["base"], num_features, num_rungs), maps
    )


def _checked_map(method: str, numbers: NDArray[Any]) -> CalibrationMap:
    fits = {
        "none": numbers.shape == (0,),
        "isotonic": numbers.ndim == 2 and numbers.shape[0] == 2 and numbers.shape[1] > 0,
    }.get(method, numbers.shape == (3,))
    if not fits or numbers.dtype != np.float64 or not np.isfinite(numbers).all():
        raise PolicyError(f"numbers of shape {numbers.shape} are no map of method {method!r}")
    if method == "isotonic" and (np.diff(numbers, axis=1) < 0).any():
        raise PolicyError("an isotonic map must rise")
    return CalibrationMap(method, np.asarray(numbers))


class CalibratedScores(ScoreEstimator):
    """Calibrates another estimator's scores, on samples that it had not seen.

    The estimator predicts out of fold, inside the data that it is given; on these predictions one
    map per rung is fitted. Then the estimator is fitted on all data. No other split is touched: the
    prices' calibration split stays unseen.

    Args:
        estimator: unfitted estimator of scores; LightGBM by default.
        method: "platt", "beta" or "isotonic", or "none"; "auto" takes, per rung, the one with the
            least squared error by cross-validation, "none" included.
        folds: of the out-of-fold predictions and of choosing a method, at least 2.
        random_state: seed of the folds.

    Attributes:
        scores_: the fitted :class:`CalibratedPredictor`.
        methods_: method of every rung.
    """

    scores_: CalibratedPredictor

    def __init__(
        self, estimator: Any = None, *, method: str = "auto", folds: int = 5, random_state: int = 0
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.folds = folds
        self.random_state = random_state

    def _learn(self, X: FloatArray, scores: FloatArray) -> CalibratedPredictor:
        methods = self._methods(scores)
        estimator = LightGBMScores() if self.estimator is None else self.estimator
        predicted = out_of_fold(estimator, X, scores, folds=self.folds, seed=self.random_state)
        folds = fold_numbers(len(X), self.folds, self.random_state + 1)
        maps = [
            _fit_rung(column, real, folds, methods)
            for column, real in zip(predicted.T, scores.T, strict=True)
        ]
        self.methods_ = [rung_map.method for rung_map in maps]
        return CalibratedPredictor(clone(estimator).fit(X, scores).scores_, maps)

    def _methods(self, scores: FloatArray) -> tuple[str, ...]:
        """Return the methods to choose from."""
        if self.method not in ("auto", *METHODS):
            raise ValueError(f"method must be 'auto' or one of {METHODS}, got {self.method!r}")
        probabilities = in_unit_interval(scores)
        if self.method == "auto":
            return METHODS if probabilities else _ANY_SCORES
        if not probabilities and self.method not in _ANY_SCORES:
            raise ValueError(f"scores must lie in [0, 1], got {scores.min()}..{scores.max()}")
        return (self.method,)


def _fit_rung(
    predicted: FloatArray, scores: FloatArray, folds: NDArray[np.int64], methods: tuple[str, ...]
) -> CalibrationMap:
    if np.ptp(predicted) == 0:  # nothing to tell apart, as in a table too small for folds
        return fit_map("none", predicted, scores)
    method = methods[0] if len(methods) == 1 else choose_method(predicted, scores, folds, methods)
    return fit_map(method, predicted, scores)
