"""What estimators of scores share when they learn: checked scores, held-out samples, folds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from policies.hull import FloatArray

OBJECTIVES = ("cross_entropy", "regression")
_SMALLEST = 50  # samples; of fewer none are held out


def in_unit_interval(scores: FloatArray) -> bool:
    """Return whether all scores lie in [0, 1], as probabilities and VQA accuracies do."""
    return bool(scores.min() >= 0 and scores.max() <= 1)


def refuse_objective(objective: str, scores: FloatArray) -> None:
    """Refuse an objective that does not exist, or one that these scores do not allow.

    Raises:
        ValueError: for another objective than ``OBJECTIVES``, or scores outside [0, 1] under
            "cross_entropy".
    """
    if objective not in OBJECTIVES:
        raise ValueError(f"objective must be one of {OBJECTIVES}, got {objective!r}")
    if objective == "cross_entropy" and not in_unit_interval(scores):
        raise ValueError(f"scores must lie in [0, 1], got {scores.min()}..{scores.max()}")


def held_out_rows(num_samples: int, share: float, seed: int) -> NDArray[np.bool_]:
    """Return which samples are held out, shape [n]; none of a table under 50 samples.

    Args:
        num_samples: n.
        share: of the samples, in (0, 1).
        seed: of the draw.

    Raises:
        ValueError: if the share is not in (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"validation_fraction must be in (0, 1), got {share}")
    count = int(num_samples * share) if num_samples >= _SMALLEST else 0
    held_out = np.zeros(num_samples, dtype=bool)
    held_out[np.random.default_rng(seed).permutation(num_samples)[:count]] = True
    return held_out


def fold_numbers(num_samples: int, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of every sample, shape [n], folds of equal size up to one.

    Raises:
        ValueError: if there are fewer than two folds.
    """
    if folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}")
    numbers: NDArray[np.int64] = np.arange(num_samples) % folds
    return np.random.default_rng(seed).permutation(numbers)


def out_of_fold(
    estimator: Any, X: FloatArray, y: FloatArray, *, folds: int, seed: int
) -> FloatArray:
    """Return predictions [n, k] for samples that the fitted clone had not seen.

    A table of fewer samples than folds has none to spare: its predictions are the mean scores.

    Args:
        estimator: cloned and fitted once a fold.
        X: features, shape [n, d].
        y: scores, shape [n, k].
        folds: at least 2.
        seed: of the folds.
    """
    numbers = fold_numbers(len(X), folds, seed)
    found = np.tile(y.mean(axis=0), (len(y), 1))
    if len(X) < 2 * folds:
        return found
    for fold in range(folds):
        inside = numbers == fold
        fitted = clone(estimator).fit(X[~inside], y[~inside]).scores_
        found[inside] = fitted.predict(X[inside])
    return found
