"""What a fitted predictor is made of, in parts that can be written as plain files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from policies.hull import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class PredictorState:
    """A fitted predictor, taken apart; nothing in it can be executed.

    Attributes:
        kind: name of the family that puts it together again.
        settings: JSON values.
        arrays: numbers, by name; written as safetensors.
        texts: LightGBM models in LightGBM's own text format, by name.
        parts: predictors that it is built on, by name, as an ensemble is.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    parts: "Mapping[str, PredictorState]" = field(default_factory=dict)

    def walk(self, place: str) -> "Iterator[tuple[str, PredictorState]]":
        """Yield this state, which is at a place, and all below it, each with its place."""
        yield place, self
        for name, part in self.parts.items():
            yield from part.walk(f"{place}/{name}")


class StoredPredictor(Protocol):
    """A predictor of scores that can be written to disk; nothing inherits from this."""

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        ...

    def state(self) -> PredictorState:
        """Return what it is made of; the module that made it has ``restore`` for the way back.

        ``restore(state, num_features, num_rungs)`` checks everything in the state before anything
        is built of it, and raises ``PolicyError`` for what is not well formed.
        """
        ...


class ScoreLearner(Protocol):
    """An estimator that leaves a predictor; every family has one, nothing inherits from this.

    Attributes:
        scores_: the fitted predictor, there after ``fit``.
    """

    scores_: StoredPredictor

    def fit(self, X: ArrayLike, y: ArrayLike) -> Any:
        """Learn from features X, shape [n, d], and scores of every rung y, shape [n, k]."""
        ...
