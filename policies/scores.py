"""Predictors of the score that a sample will have at every rung."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from budget.errors import PolicyError
from policies.boosting import best_num_trees, lightgbm_parameters, untested_num_trees
from policies.hull import FloatArray
from policies.isotonic import isotonic_rows
from policies.lightgbm_text import Model, format_model, parse_model
from policies.logits import shares_of
from policies.packed_trees import PackedTrees, can_pack
from policies.predictor_state import PredictorState
from policies.score_estimator import ScoreEstimator
from policies.training_tables import held_out_rows, refuse_objective

if TYPE_CHECKING:
    import lightgbm


class ScorePredictor(Protocol):
    """What a policy needs of a predictor; nothing inherits from this."""

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        ...


class BoosterScores:
    """Expected scores from one checked LightGBM model per rung, on one thread.

    Trees of at most 16 leaves are walked by numpy, which is faster; others by LightGBM.

    Args:
        models: one per rung, cheapest first, all for the same columns.
        monotone: repair rows that fall with the rung.

    Raises:
        ValueError: if the models' columns differ.
    """

    def __init__(self, models: Sequence[Model], *, monotone: bool = False) -> None:
        if len({model.num_features for model in models}) != 1:
            raise ValueError("the models of a predictor need the same columns")
        self.models = tuple(models)
        self.monotone = monotone
        self._is_logit = np.array([model.objective == "cross_entropy" for model in self.models])
        self._all_logits = bool(self._is_logit.all())
        self._packed = PackedTrees(self.models) if can_pack(self.models) else None

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        table = np.ascontiguousarray(X, dtype=np.float64)
        if self._packed is not None and np.isfinite(table).all():
            sums = self._packed.sums(table)
        else:
            sums = np.column_stack(
                [b.predict(table, raw_score=True, num_threads=1) for b in self._boosters]
            )
        scores = shares_of(sums)
        if not self._all_logits:
            scores = np.where(self._is_logit, scores, sums)
        return isotonic_rows(scores) if self.monotone else scores

    def state(self) -> PredictorState:
        """Return what it is made of: one LightGBM text per rung."""
        texts = {f"rung_{i}": format_model(model) for i, model in enumerate(self.models)}
        return PredictorState("lightgbm", {"monotone": self.monotone}, texts=texts)

    @cached_property
    def _boosters(self) -> "list[lightgbm.Booster]":
        import lightgbm

        return [lightgbm.Booster(model_str=format_model(model)) for model in self.models]


def restore(state: PredictorState, num_features: int, num_rungs: int) -> BoosterScores:
    """Return the predictor of a state that :meth:`BoosterScores.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    names = [f"rung_{i}" for i in range(num_rungs)]
    if set(state.texts) != set(names) or state.arrays or state.parts:
        raise PolicyError(f"one LightGBM text per rung is needed, got {sorted(state.texts)}")
    monotone = state.settings.get("monotone")
    if set(state.settings) != {"monotone"} or not isinstance(monotone, bool):
        raise PolicyError(f"'monotone' must be true or false, got {dict(state.settings)}")
    models = [parse_model(state.texts[name], num_features) for name in names]
    return BoosterScores(models, monotone=monotone)


class LightGBMScores(ScoreEstimator):
    """One boosted model per rung: the expected score at that rung.

    The number of trees is found on an inner part of the data that is held out, then the model is
    fitted anew on all of it. The same data and seed give the same model.

    Args:
        objective: "cross_entropy" for scores in [0, 1], "regression" for any scores.
        learning_rate: weight of each tree.
        num_leaves: of each tree, at least 2.
        min_data_in_leaf: samples a leaf needs.
        feature_fraction: share of the columns that each tree may use, in (0, 1].
        lambda_l2: penalty on the leaves.
        max_trees: most trees per rung.
        patience: trees without a better held-out loss before it stops.
        validation_fraction: share of the samples held out to find the number of trees, in (0, 1).
        monotone: repair predictions that fall with the rung.
        num_threads: of fitting; predicting always takes one.
        random_state: seed of the inner split and of the columns that trees may use.

    Attributes:
        scores_: the fitted :class:`BoosterScores`.
        num_trees_: trees of each rung, shape [k].
    """

    scores_: BoosterScores

    def __init__(
        self,
        *,
        objective: str = "cross_entropy",
        learning_rate: float = 0.05,
        num_leaves: int = 15,
        min_data_in_leaf: int = 30,
        feature_fraction: float = 0.5,
        lambda_l2: float = 5.0,
        max_trees: int = 400,
        patience: int = 30,
        validation_fraction: float = 0.2,
        monotone: bool = False,
        num_threads: int = 1,
        random_state: int = 0,
    ) -> None:
        self.objective = objective
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction = feature_fraction
        self.lambda_l2 = lambda_l2
        self.max_trees = max_trees
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.monotone = monotone
        self.num_threads = num_threads
        self.random_state = random_state

    def _learn(self, X: FloatArray, scores: FloatArray) -> BoosterScores:
        refuse_objective(self.objective, scores)
        held_out = held_out_rows(len(X), self.validation_fraction, self.random_state)
        models = [self._fit_rung(X, column, held_out) for column in scores.T]
        self.num_trees_ = [len(model.trees) for model in models]
        return BoosterScores(models, monotone=self.monotone)

    def _fit_rung(self, X: FloatArray, y: FloatArray, held_out: NDArray[np.bool_]) -> Model:
        import lightgbm

        num_trees = untested_num_trees(self)
        if held_out.any():
            train = self._dataset(X[~held_out], y[~held_out])
            valid = train.create_valid(X[held_out], y[held_out])
            num_trees = best_num_trees(self, lightgbm_parameters(self), train, valid)
        booster = lightgbm.train(lightgbm_parameters(self), self._dataset(X, y), num_trees)
        return parse_model(booster.model_to_string(), X.shape[1])

    def _dataset(self, X: FloatArray, y: FloatArray) -> "lightgbm.Dataset":
        import lightgbm

        return lightgbm.Dataset(X, y, params=lightgbm_parameters(self))
