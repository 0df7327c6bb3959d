"""A small neural network: what the question asks modulates what the image shows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from budget.errors import PolicyError
from policies.features import current_schema
from policies.hull import FloatArray
from policies.joint_features import JOINT_NAMES
from policies.joint_lightgbm import start_of
from policies.network_scores import (
    MAX_WEIGHT,
    Inputs,
    NetworkPredictor,
    Sizes,
    columns_by_name,
    weight_shapes,
)
from policies.network_training import Samples, Training, train_member
from policies.predictor_state import PredictorState
from policies.question_features import QUESTION_NAMES
from policies.score_estimator import ScoreEstimator
from policies.training_tables import held_out_rows, refuse_objective


class NetworkScores(ScoreEstimator):
    """A few small networks, averaged: the expected score at every rung.

    On tables of ``current_schema`` the question's columns modulate the image's; what the question
    names, looked up in the picture, belongs to both. On other tables it is a plain network. Each
    member holds out other samples to stop early, so that all are learned from by most. The same
    data and seed give the same networks. Fitting needs torch, predicting does not.

    Args:
        objective: "cross_entropy" for scores in [0, 1], "regression" for any scores.
        members: networks that are averaged.
        image_units: units that read the image (or everything, in a plain network).
        question_units: units that read the question.
        hidden_units: units behind both.
        rising: make predictions that never fall with the rung.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
        dropout: share of units left out of each step, in [0, 1).
        batch_size: samples a step.
        max_epochs: most passes over the samples.
        patience: passes without a better held-out loss before it stops.
        validation_fraction: share of the samples held out by each member, in (0, 1).
        random_state: seed of weights, order, dropout and what is held out.

    Attributes:
        scores_: the fitted :class:`policies.network_scores.NetworkPredictor`.
    """

    scores_: NetworkPredictor

    def __init__(
        self,
        *,
        objective: str = "cross_entropy",
        members: int = 3,
        image_units: int = 64,
        question_units: int = 32,
        hidden_units: int = 32,
        rising: bool = False,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.5,
        dropout: float = 0.3,
        batch_size: int = 128,
        max_epochs: int = 60,
        patience: int = 8,
        validation_fraction: float = 0.15,
        random_state: int = 0,
    ) -> None:
        self.objective = objective
        self.members = members
        self.image_units = image_units
        self.question_units = question_units
        self.hidden_units = hidden_units
        self.rising = rising
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def _learn(self, X: FloatArray, scores: FloatArray) -> NetworkPredictor:
        refuse_objective(self.objective, scores)
        if not (self.members >= 1 and 0 <= self.dropout < 1):
            raise ValueError(
                f"members must be at least 1 and dropout in [0, 1), "
                f"got {self.members} and {self.dropout}"
            )
        inputs = _inputs(X)
        is_logit = self.objective == "cross_entropy"
        start, spread = self._start(scores)
        targets = scores if is_logit else (scores - start) / spread
        weights = self._trained(inputs, inputs.standardized(X), start, targets)
        return NetworkPredictor(
            inputs, weights, start=start, spread=spread, is_logit=is_logit, rising=self.rising
        )

    def _start(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what outputs are added to, and what one unit of them is worth, [k] each."""
        start, spread = y.mean(axis=0), y.std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        if self.objective == "cross_entropy":
            start, spread = start_of(start), np.ones(len(start))
        if self.rising:  # only the outputs may differ from rung to rung
            start, spread = np.full_like(start, start[0]), np.full_like(spread, spread.max())
        return start, spread

    def _trained(
        self, inputs: Inputs, X: NDArray[np.float32], start: FloatArray, targets: FloatArray
    ) -> dict[str, NDArray[np.float32]]:
        """Return the weights of all members, stacked."""
        import torch

        asked = self.question_units if len(inputs.question) else 0
        sizes = Sizes(1, self.image_units, asked, self.hidden_units, targets.shape[1])
        samples = Samples(
            torch.from_numpy(X[:, inputs.image]),
            torch.from_numpy(X[:, inputs.question]),
            torch.from_numpy(start.astype(np.float32)),
            torch.from_numpy(targets.astype(np.float32)),
        )
        shapes, training = weight_shapes(inputs, sizes), self._training()
        seeds = [1_000 * self.random_state + member for member in range(self.members)]
        found = [
            train_member(
                shapes,
                samples,
                held_out_rows(len(X), self.validation_fraction, seed),
                training,
                seed,
            )
            for seed in seeds
        ]
        return {name: np.concatenate([weights[name] for weights in found]) for name in shapes}

    def _training(self) -> Training:
        return Training(
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            is_logit=self.objective == "cross_entropy",
            rising=self.rising,
        )


def _inputs(X: FloatArray) -> Inputs:
    """Return which columns are read as what; those of another table all as the image's."""
    names = current_schema().names
    image, question = np.arange(X.shape[1]), np.zeros(0, dtype=np.int64)
    if X.shape[1] == len(names):
        image = np.setdiff1d(image, columns_by_name(names, QUESTION_NAMES))
        question = columns_by_name(names, (*QUESTION_NAMES, *JOINT_NAMES))
    deviation = X.std(axis=0)
    return Inputs(image, question, X.mean(axis=0), np.where(deviation > 1e-9, deviation, 1.0))


def restore(state: PredictorState, num_features: int, num_rungs: int) -> NetworkPredictor:
    """Return the predictor of a state that :meth:`NetworkPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    if state.texts or state.parts:
        raise PolicyError(f"a network has arrays alone, got {[*state.texts, *state.parts]}")
    settings = dict(state.settings)
    if set(settings) != {"is_logit", "rising"} or not all(
        isinstance(value, bool) for value in settings.values()
    ):
        raise PolicyError(f"'is_logit' and 'rising' must be true or false, got {settings}")
    arrays: dict[str, NDArray[Any]] = dict(state.arrays)
    parts: dict[str, Any] = {
        name: arrays.pop(name, None) for name in (*Inputs._fields, "start", "spread")
    }
    inputs = _checked_inputs(parts, num_features)
    for name in ("start", "spread"):
        _refuse_numbers(name, parts[name], (num_rungs,), np.float64)
    expected = weight_shapes(inputs, _sizes(arrays, num_rungs))
    if set(arrays) != set(expected):
        raise PolicyError(f"a network needs arrays {sorted(expected)}, got {sorted(arrays)}")
    for name, shape in expected.items():
        _refuse_numbers(name, arrays[name], shape, np.float32)
        if np.abs(arrays[name]).max() > MAX_WEIGHT:
            raise PolicyError(f"a network's {name!r} must lie within {MAX_WEIGHT:g} of 0")
    return NetworkPredictor(
        inputs, arrays, start=parts["start"], spread=parts["spread"], **settings
    )


def _checked_inputs(parts: dict[str, Any], num_features: int) -> Inputs:
    for name in ("centre", "scale"):
        _refuse_numbers(name, parts[name], (num_features,), np.float64)
    if (parts["scale"] <= 0).any():
        raise PolicyError("a network's 'scale' must be positive")
    for name in ("image", "question"):
        columns = parts[name]
        if columns is None or columns.dtype != np.int64 or columns.ndim != 1:
            raise PolicyError(f"a network's {name!r} must be a list of columns")
        if ((columns < 0) | (columns >= num_features)).any() or len(columns) > num_features:
            raise PolicyError(f"a network's {name!r} must be columns of {num_features}")
    return Inputs(*(parts[name] for name in Inputs._fields))


def _sizes(arrays: dict[str, NDArray[Any]], num_rungs: int) -> Sizes:
    """Return the widths that the arrays speak of; whether all agree is checked after."""
    first, hidden = arrays.get("image_weight"), arrays.get("hidden_bias")
    asked = arrays.get("question_bias")
    found = [array for array in (first, hidden, asked) if array is not None]
    if first is None or hidden is None or any(array.ndim != 3 or not array.size for array in found):
        raise PolicyError("a network needs 'image_weight' and 'hidden_bias' of three dimensions")
    units = 0 if asked is None else asked.shape[2]
    return Sizes(first.shape[0], first.shape[2], units, hidden.shape[2], num_rungs)


def _refuse_numbers(name: str, array: Any, shape: tuple[int, ...], dtype: type) -> None:
    if array is None or array.shape != shape or array.dtype != dtype:
        found = None if array is None else (array.shape, str(array.dtype))
        raise PolicyError(f"a network's {name!r} must be {dtype.__name__} {shape}, got {found}")
    if not np.isfinite(array).all():
        raise PolicyError(f"a network's {name!r} must be finite numbers")
