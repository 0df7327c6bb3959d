"""A weighted mean of other predictors, weighted by how well they do on unseen samples."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import _BaseComposition

from budget.errors import PolicyError
from policies.hull import FloatArray
from policies.isotonic import isotonic_rows
from policies.joint_lightgbm import start_of
from policies.logits import shares_of
from policies.predictor_state import PredictorState, StoredPredictor
from policies.score_estimator import ScoreEstimator
from policies.scores import BoosterScores, LightGBMScores
from policies.training_tables import in_unit_interval, out_of_fold

SPACES = ("probability", "logit")
WEIGHTS = ("fitted", "equal")
_MAX_PARTS = 20
_NEGLIGIBLE = 1e-3  # a weight under which a part is left out


class EnsembleMean:
    """Expected scores: the weighted mean of what other predictors expect.

    Args:
        parts: at least one.
        weights: not negative, sum 1, shape [len(parts)].
        space: average "probability" (the scores themselves) or "logit", for scores in [0, 1].
        monotone: repair rows that fall with the rung.
    """

    def __init__(
        self,
        parts: Sequence[StoredPredictor],
        weights: FloatArray,
        *,
        space: str = "probability",
        monotone: bool = False,
    ) -> None:
        self.parts = tuple(parts)
        self.weights = np.asarray(weights, dtype=np.float64)
        self.space = space
        self.monotone = monotone
        # Trees are asked all at once: of two LightGBM parts the second is nearly free.
        trees = [part for part in self.parts if _can_join(part)]
        self._joined = joined_boosters(trees) if len(trees) > 1 else None

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        scores = mix(self._predictions(X), self.weights, self.space)
        return isotonic_rows(scores) if self.monotone else scores

    def _predictions(self, X: FloatArray) -> list[FloatArray]:
        if self._joined is None:
            return [part.predict(X) for part in self.parts]
        count = sum(_can_join(part) for part in self.parts)
        found = iter(np.split(self._joined.predict(X), count, axis=1))
        return [next(found) if _can_join(part) else part.predict(X) for part in self.parts]

    def state(self) -> PredictorState:
        """Return what it is made of: the weights, and its parts' states."""
        return PredictorState(
            "ensemble",
            {"space": self.space, "monotone": self.monotone},
            arrays={"weights": self.weights},
            parts={f"part_{i}": part.state() for i, part in enumerate(self.parts)},
        )


def _can_join(part: StoredPredictor) -> bool:
    return isinstance(part, BoosterScores) and not part.monotone


def joined_boosters(parts: Sequence[StoredPredictor]) -> BoosterScores:
    """Return one predictor of the columns of several, [n, parts * k], for the same features."""
    return BoosterScores(
        [model for part in parts if isinstance(part, BoosterScores) for model in part.models]
    )


def mix(predictions: Sequence[FloatArray], weights: FloatArray, space: str) -> FloatArray:
    """Return the weighted mean of predictions, [n, k] each, of themselves or of their logits."""
    if space == "probability":
        return _weighted_sum(predictions, weights)
    return shares_of(_weighted_sum([start_of(scores) for scores in predictions], weights))


def _weighted_sum(tables: Sequence[FloatArray], weights: FloatArray) -> FloatArray:
    # One by one: for a single row a tensor product takes ten times as long.
    first, *others = weights.tolist()
    total: FloatArray = first * tables[0]
    for weight, table in zip(others, tables[1:], strict=True):
        total += weight * table
    return total


def fit_weights(predictions: Sequence[FloatArray], y: FloatArray, space: str) -> FloatArray:
    """Return the weights of the mean with the least squared error, not negative, sum 1.

    Args:
        predictions: of the same samples, none of them fitted on, [n, k] each.
        y: their real scores, shape [n, k].
        space: what is averaged, one of ``SPACES``.
    """
    from scipy.optimize import minimize

    count = len(predictions)
    found = minimize(
        lambda weights: np.square(mix(predictions, weights, space) - y).mean(),
        np.full(count, 1 / count),
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1.0},
        options={"ftol": 1e-9},
    ).x
    kept = np.where(found > _NEGLIGIBLE, found, 0.0)
    weights: FloatArray = kept / kept.sum()
    return weights


def restore(state: PredictorState, num_features: int, num_rungs: int) -> EnsembleMean:
    """Return the predictor of a state that :meth:`EnsembleMean.state` returned.

    Raises:
        PolicyError: if the state, or that of a part, is not well formed.
    """
    from policies.families import restore_predictor

    names = [f"part_{i}" for i in range(len(state.parts))]
    if not 1 <= len(names) <= _MAX_PARTS or set(state.parts) != set(names) or state.texts:
        raise PolicyError(f"an ensemble needs 1 to {_MAX_PARTS} parts, got {sorted(state.parts)}")
    settings = dict(state.settings)
    space, monotone = settings.get("space"), settings.get("monotone")
    if (
        set(settings) != {"space", "monotone"}
        or space not in SPACES
        or not isinstance(monotone, bool)
    ):
        raise PolicyError(f"an ensemble needs 'space' {SPACES} and 'monotone', got {settings}")
    weights = np.asarray(state.arrays.get("weights", np.zeros(0)))
    if set(state.arrays) != {"weights"} or weights.shape != (len(names),):
        raise PolicyError(f"an ensemble of {len(names)} parts needs as many 'weights'")
    weights = weights.astype(np.float64)
    if not (weights >= 0).all() or abs(float(weights.sum()) - 1.0) > 1e-9:
        raise PolicyError(f"an ensemble's weights must be at least 0 and sum to 1, got {weights}")
    parts = [restore_predictor(state.parts[name], num_features, num_rungs) for name in names]
    return EnsembleMean(parts, weights, space=space, monotone=monotone)


class EnsembleScores(ScoreEstimator, _BaseComposition):
    """A weighted mean of other estimators of scores.

    Weights are fitted on predictions for samples that the parts had not seen, by folds inside the
    data that it is given; then every part with a weight is fitted on all of it.

    Args:
        estimators: (name, estimator) pairs; LightGBM and the network by default.
        weights: "fitted", or "equal", which needs no folds.
        space: average "probability" (the scores themselves) or "logit", for scores in [0, 1].
        monotone: repair predictions that fall with the rung.
        folds: for the weights, at least 2.
        random_state: seed of the folds.

    Attributes:
        scores_: the fitted :class:`EnsembleMean`.
        weights_: weight of every estimator, shape [len(estimators)].
    """

    scores_: EnsembleMean

    def __init__(
        self,
        estimators: Sequence[tuple[str, Any]] | None = None,
        *,
        weights: str = "fitted",
        space: str = "probability",
        monotone: bool = False,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.estimators = estimators
        self.weights = weights
        self.space = space
        self.monotone = monotone
        self.folds = folds
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings, those of the parts as ``name__setting``."""
        if self.estimators is None:
            return dict(super().get_params(deep=False))
        return dict(self._get_params("estimators", deep=deep))

    def set_params(self, **params: Any) -> Self:
        """Change settings, those of the parts as ``name__setting``."""
        self._set_params("estimators", **params)
        return self

    def _learn(self, X: FloatArray, scores: FloatArray) -> EnsembleMean:
        self._check(scores)
        estimators = [estimator for _, estimator in self._estimators()]
        self.weights_ = self._weights(estimators, X, scores)
        used = np.flatnonzero(self.weights_)
        parts = [clone(estimators[i]).fit(X, scores).scores_ for i in used]
        return EnsembleMean(parts, self.weights_[used], space=self.space, monotone=self.monotone)

    def _estimators(self) -> Sequence[tuple[str, Any]]:
        from policies.network import NetworkScores

        if self.estimators is not None:
            return self.estimators
        seed = self.random_state
        return [
            ("lightgbm", LightGBMScores(random_state=seed)),
            ("network", NetworkScores(random_state=seed)),
        ]

    def _check(self, y: FloatArray) -> None:
        if self.weights not in WEIGHTS or self.space not in SPACES:
            raise ValueError(
                f"weights must be one of {WEIGHTS} and space one of {SPACES}, "
                f"got {self.weights!r} and {self.space!r}"
            )
        if not 1 <= len(self._estimators()) <= _MAX_PARTS:
            raise ValueError(f"estimators must be 1 to {_MAX_PARTS}, got {len(self._estimators())}")
        if self.space == "logit" and not in_unit_interval(y):
            raise ValueError(f"scores must lie in [0, 1] for logits, got {y.min()}..{y.max()}")

    def _weights(self, estimators: Sequence[Any], X: FloatArray, y: FloatArray) -> FloatArray:
        if self.weights == "equal" or len(estimators) == 1:
            return np.full(len(estimators), 1 / len(estimators))
        predictions = [
            out_of_fold(estimator, X, y, folds=self.folds, seed=self.random_state)
            for estimator in estimators
        ]
        return fit_weights(predictions, y, self.space)
