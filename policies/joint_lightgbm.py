"""One boosted model for all rungs: what it learns at one rung serves its neighbours."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from budget.errors import PolicyError
from policies.boosting import best_num_trees, lightgbm_parameters, untested_num_trees
from policies.hull import FloatArray
from policies.isotonic import isotonic_rows
from policies.joint_trees import JointTrees, with_rungs
from policies.lightgbm_text import Model, format_model, parse_model
from policies.predictor_state import PredictorState, StoredPredictor
from policies.score_estimator import ScoreEstimator
from policies.training_tables import (
    OBJECTIVES,
    held_out_rows,
    out_of_fold,
    refuse_objective,
)

if TYPE_CHECKING:
    import lightgbm

_MARGIN = 1e-3  # a probability that a model starts from is not closer to 0 or 1


class JointBoosterScores:
    """Expected scores: a starting curve, moved by trees that know the sample and the rung.

    Args:
        trees: of the joint model.
        start: what is added to the sums at every rung, shape [k]: a logit for a model of
            "cross_entropy", a score for one of "regression".
        first: predictor whose scores take the place of ``start``, sample by sample.
        monotone: repair rows that fall with the rung.
    """

    def __init__(
        self,
        trees: JointTrees,
        start: FloatArray,
        *,
        first: StoredPredictor | None = None,
        monotone: bool = False,
    ) -> None:
        self.trees = trees
        self.start = start
        self.first = first
        self.monotone = monotone
        self._is_logit = trees.model.objective == "cross_entropy"

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        table = np.ascontiguousarray(X, dtype=np.float64)
        start = self.start if self.first is None else self._started(self.first.predict(table))
        scores = start + self.trees.sums(table)
        if self._is_logit:
            with np.errstate(over="ignore"):
                scores = 1.0 / (1.0 + np.exp(-scores))
        return isotonic_rows(scores) if self.monotone else scores

    def _started(self, scores: FloatArray) -> FloatArray:
        return start_of(scores) if self._is_logit else scores

    def state(self) -> PredictorState:
        """Return what it is made of: one LightGBM text, the start, and the first predictor."""
        return PredictorState(
            "joint-lightgbm",
            {"monotone": self.monotone},
            arrays={"start": self.start},
            texts={"trees": format_model(self.trees.model)},
            parts={} if self.first is None else {"first": self.first.state()},
        )


def start_of(scores: FloatArray) -> FloatArray:
    """Return the logits of scores, none beyond those of 0.001 and 0.999."""
    inside = np.clip(scores, _MARGIN, 1 - _MARGIN)
    return np.log(inside / (1 - inside))


def restore(state: PredictorState, num_features: int, num_rungs: int) -> JointBoosterScores:
    """Return the predictor of a state that :meth:`JointBoosterScores.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    from policies.families import restore_predictor

    if set(state.texts) != {"trees"} or set(state.arrays) != {"start"}:
        found = sorted([*state.texts, *state.arrays])
        raise PolicyError(f"a joint model needs a text 'trees' and an array 'start', got {found}")
    if not set(state.parts) <= {"first"}:
        raise PolicyError(f"a joint model has one part, 'first', got {sorted(state.parts)}")
    monotone = state.settings.get("monotone")
    if set(state.settings) != {"monotone"} or not isinstance(monotone, bool):
        raise PolicyError(f"'monotone' must be true or false, got {dict(state.settings)}")
    start = state.arrays["start"]
    if start.shape != (num_rungs,) or start.dtype != np.float64 or not np.isfinite(start).all():
        raise PolicyError(f"'start' must be {num_rungs} finite numbers, got {start.shape}")
    trees = JointTrees(parse_model(state.texts["trees"], num_features + 1), num_rungs)
    parts = state.parts.values()
    first = [restore_predictor(part, num_features, num_rungs) for part in parts]
    return JointBoosterScores(
        trees, np.asarray(start), first=first[0] if first else None, monotone=monotone
    )


class JointLightGBMScores(ScoreEstimator):
    """One boosted model over (features, rung): the expected score at that rung.

    The rung is one more column, on which trees may only rise. Boosting starts from the mean curve,
    or from another predictor's scores; while fitting, those are predicted out of fold, or the trees
    would trust them too much. Held-out samples find the number of trees, then all are fitted on.

    Args:
        first: unfitted estimator to start from; the mean curve without one.
        folds: for the first estimator's out-of-fold predictions.
        objective: "cross_entropy" for scores in [0, 1], "regression" for any scores.
        learning_rate: weight of each tree.
        num_leaves: of each tree, at least 2; up to 16 are fast to predict with.
        min_data_in_leaf: rows a leaf needs; a sample has k rows.
        feature_fraction: share of the columns that each tree may use, in (0, 1].
        lambda_l2: penalty on the leaves.
        max_trees: most trees.
        patience: trees without a better held-out loss before it stops.
        validation_fraction: share of the samples held out to find the number of trees, in (0, 1).
        rising: constrain trees to rise with the rung.
        monotone: repair predictions that fall with the rung, as a start that falls lets them.
        num_threads: of fitting; predicting always takes one.
        random_state: seed of the inner split, the folds and the columns that trees may use.

    Attributes:
        scores_: the fitted :class:`JointBoosterScores`.
        num_trees_: how many trees it has.
    """

    scores_: JointBoosterScores

    def __init__(
        self,
        first: Any = None,
        *,
        folds: int = 5,
        objective: str = "cross_entropy",
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        min_data_in_leaf: int = 100,
        feature_fraction: float = 0.5,
        lambda_l2: float = 5.0,
        max_trees: int = 600,
        patience: int = 40,
        validation_fraction: float = 0.2,
        rising: bool = True,
        monotone: bool = False,
        num_threads: int = 1,
        random_state: int = 0,
    ) -> None:
        self.first = first
        self.folds = folds
        self.objective = objective
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction = feature_fraction
        self.lambda_l2 = lambda_l2
        self.max_trees = max_trees
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.rising = rising
        self.monotone = monotone
        self.num_threads = num_threads
        self.random_state = random_state

    def _learn(self, X: FloatArray, scores: FloatArray) -> JointBoosterScores:
        refuse_objective(self.objective, scores)
        held_out = held_out_rows(len(X), self.validation_fraction, self.random_state)
        model = self._fit_trees(X, scores, self._starts(X, scores), held_out)
        first = None if self.first is None else clone(self.first).fit(X, scores).scores_
        self.num_trees_ = len(model.trees)
        return JointBoosterScores(
            JointTrees(model, scores.shape[1]),
            self._start(scores.mean(axis=0)),
            first=first,
            monotone=self.monotone,
        )

    def _start(self, scores: FloatArray) -> FloatArray:
        return start_of(scores) if self.objective == OBJECTIVES[0] else scores

    def _starts(self, X: FloatArray, y: FloatArray) -> FloatArray:
        """Return what boosting starts from, sample by sample, shape [n, k]."""
        if self.first is None:
            return np.tile(self._start(y.mean(axis=0)), (len(y), 1))
        return self._start(out_of_fold(self.first, X, y, folds=self.folds, seed=self.random_state))

    def _fit_trees(
        self, X: FloatArray, y: FloatArray, starts: FloatArray, held_out: NDArray[np.bool_]
    ) -> Model:
        import lightgbm

        num_trees = untested_num_trees(self)
        settings = self._parameters(X.shape[1])
        if held_out.any():
            train = self._dataset(X, y, starts, ~held_out)
            valid = self._dataset(X, y, starts, held_out, train)
            num_trees = best_num_trees(self, settings, train, valid)
        whole = self._dataset(X, y, starts, np.ones(len(X), dtype=bool))
        booster = lightgbm.train(settings, whole, num_trees)
        return parse_model(booster.model_to_string(), X.shape[1] + 1)

    def _dataset(
        self,
        X: FloatArray,
        y: FloatArray,
        starts: FloatArray,
        rows: NDArray[np.bool_],
        reference: "lightgbm.Dataset | None" = None,
    ) -> "lightgbm.Dataset":
        import lightgbm

        return lightgbm.Dataset(
            with_rungs(X[rows], y.shape[1]),
            y[rows].ravel(),
            init_score=starts[rows].ravel(),
            reference=reference,
            params=self._parameters(X.shape[1]),
        )

    def _parameters(self, num_features: int) -> dict[str, Any]:
        return lightgbm_parameters(self) | {
            "monotone_constraints": [0] * num_features + [int(self.rising)],
            "monotone_constraints_method": "intermediate",
        }
