"""Maps from predicted to calibrated probabilities of one rung: as they are, beta, isotonic.

Each map is fitted on predictions and real scores in any share of [0, 1], not only right or wrong.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray

METHODS = ("none", "platt", "beta", "isotonic")
_MARGIN = 1e-6
_RIDGE = 1e-3  # keeps slopes of a constant prediction finite
_STEPS = 50


class CalibrationMap(NamedTuple):
    """A map of predictions to probabilities.

    Attributes:
        method: one of ``METHODS``.
        numbers: empty for "none"; slope of log(p), slope of -log(1 - p) and offset for "platt" and
            "beta", shape [3]; predictions that rise and what they become, shape [2, m], for
            "isotonic", linear between and flat beyond them.
    """

    method: str
    numbers: FloatArray

    def __call__(self, predicted: FloatArray) -> FloatArray:
        """Return the calibrated scores of predictions, of any shape."""
        if self.method == "none":
            return predicted
        if self.method == "isotonic":
            return np.asarray(np.interp(predicted, self.numbers[0], self.numbers[1]))
        logits = _beta_columns(predicted) @ self.numbers
        calibrated: FloatArray = 1.0 / (1.0 + np.exp(-logits))
        return calibrated


def fit_map(method: str, predicted: FloatArray, scores: FloatArray) -> CalibrationMap:
    """Fit one map.

    Platt's is a line through the logit (Platt 1999), beta calibration has a slope for each side of
    it (Kull, Silva Filho and Flach, AISTATS 2017): Platt's is the beta map with equal slopes.

    Args:
        method: one of ``METHODS``.
        predicted: of samples that the predictor was not fitted on, shape [n].
        scores: their real scores, shape [n]; in [0, 1] unless the method is "none" or "isotonic".
    """
    if method == "none":
        return CalibrationMap(method, np.zeros(0))
    if method == "isotonic":
        return CalibrationMap(method, _isotonic_knots(predicted, scores))
    columns = _beta_columns(predicted)
    if method == "beta":
        slopes = _fit_logistic(columns, scores, prior=np.array([1.0, 1.0, 0.0]))
        if (slopes[:2] >= 0).all():  # as its authors do: a map that falls is not fitted
            return CalibrationMap(method, slopes)
    logit = np.column_stack([columns[:, 0] + columns[:, 1], columns[:, 2]])
    slope, offset = _fit_logistic(logit, scores, prior=np.array([1.0, 0.0]))
    return CalibrationMap(method, np.array([slope, slope, offset]))


def choose_method(
    predicted: FloatArray, scores: FloatArray, folds: NDArray[np.int64], methods: tuple[str, ...]
) -> str:
    """Return the method with the least squared error on folds that it was not fitted on.

    Args:
        predicted: shape [n].
        scores: shape [n].
        folds: number of each sample's fold, shape [n].
        methods: to compare; of equals the first.
    """
    errors = []
    for method in methods:
        found = np.empty_like(predicted)
        for fold in np.unique(folds):
            inside = folds == fold
            fitted = fit_map(method, predicted[~inside], scores[~inside])
            found[inside] = fitted(predicted[inside])
        errors.append(float(np.square(found - scores).mean()))
    return methods[int(np.argmin(errors))]


def _beta_columns(predicted: FloatArray) -> FloatArray:
    inside = np.clip(predicted, _MARGIN, 1 - _MARGIN)
    return np.stack([np.log(inside), -np.log1p(-inside), np.ones_like(inside)], axis=-1)


def _fit_logistic(columns: FloatArray, scores: FloatArray, prior: FloatArray) -> FloatArray:
    """Return coefficients of a logistic model of scores in [0, 1], by Newton's method.

    They are drawn a little to ``prior``, which changes nothing.
    """
    found = prior.copy()
    ridge = _RIDGE * np.eye(len(prior))
    for _ in range(_STEPS):
        expected = 1.0 / (1.0 + np.exp(-np.clip(columns @ found, -30, 30)))
        slope = columns.T @ (expected - scores) + ridge @ (found - prior)
        curvature = columns.T @ (columns * (expected * (1 - expected))[:, None]) + ridge
        step = np.linalg.solve(curvature, slope)
        found = found - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return found


def _isotonic_knots(predicted: FloatArray, scores: FloatArray) -> FloatArray:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(predicted, scores)
    return np.stack([fitted.X_thresholds_, fitted.y_thresholds_])
