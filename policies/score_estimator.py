"""What the estimators of the families share: their tables are checked here, once."""

from abc import abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from policies.hull import FloatArray
from policies.predictor_state import StoredPredictor


class ScoreEstimator(BaseEstimator):
    """Fit and predict of an estimator whose family says how scores are learned.

    Attributes:
        scores_: the fitted predictor, which can be stored.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn the expected score of every rung.

        Args:
            X: features, shape [n, d].
            y: scores of every rung, shape [n, k] (or [n] for one rung).

        Returns:
            The fitted estimator.

        Raises:
            ValueError: if shapes do not fit, a number is not finite, a setting is not legal, or
                scores leave [0, 1] where the family takes them as probabilities.
        """
        checked: tuple[FloatArray, FloatArray] = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=np.float64
        )
        features, y = checked
        scores = y.astype(np.float64).reshape(len(features), -1)
        self._one_rung = np.ndim(y) == 1
        self.scores_ = self._learn(features, scores)
        return self

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the expected score of every rung, shape [n, k] (or [n], as fitted)."""
        check_is_fitted(self)
        features: FloatArray = validate_data(self, X, reset=False, dtype=np.float64)
        scores = self.scores_.predict(features)
        return scores[:, 0] if self._one_rung else scores

    @abstractmethod
    def _learn(self, X: FloatArray, scores: FloatArray) -> StoredPredictor:
        """Return the predictor learned from finite features [n, d] and scores [n, k].

        Settings are checked here, and what else the fitted estimator tells is noted here.
        """
