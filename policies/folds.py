"""Cross-validation of predictors on one split: folds that keep a picture whole, and gaps closed."""

from typing import Any

import numpy as np

from budget.errors import DataError
from budget.stable import stable_scores
from policies.allocation import IntArray
from policies.gaps import GapMeter
from policies.hull import FloatArray
from policies.image_features import IMAGE_NAMES
from policies.rung_means import rung_means


def picture_groups(features: FloatArray) -> IntArray:
    """Return a number for the picture of each sample, shape [n].

    Samples whose picture has the same features are of one picture, or of pictures that no policy
    can tell apart.

    Args:
        features: from ``featurize``, shape [n, d].
    """
    pictures = np.ascontiguousarray(features[:, : len(IMAGE_NAMES)])
    groups: IntArray = np.unique(pictures, axis=0, return_inverse=True)[1].reshape(-1)
    return groups


def split_folds(groups: IntArray, num_folds: int, seed: int) -> IntArray:
    """Return the fold of each sample, groups whole, folds about equally large, shape [n].

    Where one group has more samples than a fold should, as in data without pictures, groups mean
    nothing and samples are drawn one by one.

    Args:
        groups: group of each sample, shape [n].
        num_folds: at least 2.
        seed: of the draw.

    Raises:
        DataError: if there are fewer samples or groups than folds.
    """
    if num_folds < 2:
        raise ValueError(f"num_folds must be at least 2, got {num_folds}")
    groups = np.unique(groups, return_inverse=True)[1].reshape(-1)
    if len(groups) and np.bincount(groups).max() > len(groups) / num_folds:
        groups = np.arange(len(groups))
    sizes = np.bincount(groups)
    if len(sizes) < num_folds:
        raise DataError(f"{num_folds} folds need as many samples, got {len(sizes)}")
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    fold_of, filled = np.empty(len(sizes), dtype=np.int64), np.zeros(num_folds, dtype=np.int64)
    for group in drawn:
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[groups]


class CrossValidation:
    """How much of the stable oracle's gap an estimator closes on samples it was not fitted on.

    The measure of a fold is the share of the area (:func:`policies.frontier.gap_closed_area`),
    against the oracle and the fixed scales of that fold's samples. Within a fold these are the same
    for every estimator, so estimators are in the order of their plain areas under the frontier.

    Args:
        features: of the fit split, shape [n, d].
        scores: real score of every rung, shape [n, k].
        costs: cost of every rung, shape [k], or what samples pay there, shape [n, k]; estimators
            choose by its mean.
        folds: fold of each sample, 0 and up, shape [n].

    Raises:
        DataError: if in some fold the stable oracle gains nothing over the fixed scales.
    """

    def __init__(
        self, features: FloatArray, scores: FloatArray, costs: FloatArray, folds: IntArray
    ) -> None:
        self._features, self._scores, self._folds = features, scores, folds
        paid = np.broadcast_to(costs, scores.shape)
        means = rung_means(paid)
        self._meters = [
            GapMeter(scores[folds == fold], paid[folds == fold], chosen_by=means)
            for fold in range(int(folds.max()) + 1)
        ]
        for fold, meter in enumerate(self._meters):
            held_out = stable_scores(scores[folds == fold])
            if not np.isfinite(meter.measure(held_out).stable):
                raise DataError(
                    f"nothing to tune for: on fold {fold} ({len(held_out)} samples) the stable "
                    f"oracle gains nothing over fixed scales"
                )

    def __len__(self) -> int:
        return len(self._meters)

    def measure(self, estimator: Any, fold: int) -> float:
        """Return the gap closed on one fold by an estimator fitted on all others."""
        held_out = self._folds == fold
        fitted = estimator.fit(self._features[~held_out], self._scores[~held_out])
        expected = fitted.predict(self._features[held_out])
        return self._meters[fold].measure(expected).stable
