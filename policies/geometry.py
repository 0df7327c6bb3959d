"""The heuristic that looks at a picture's size and edges alone."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from budget.errors import PolicyError
from policies import logistic
from policies.features import current_schema
from policies.hull import FloatArray
from policies.logistic import LogisticPredictor, LogisticScores
from policies.predictor_state import PredictorState
from policies.score_estimator import ScoreEstimator
from policies.standardise import Standard, restore_standard, standard_of
from policies.state_checks import Settings, refuse_other_names, settings_of

_KIND = "geometry"
_MAX_COLUMNS = 10


class GeometryPredictor:
    """Logistic functions of a few columns, their squares and their products.

    Args:
        columns: which columns of the features.
        standard: brings them to one scale.
        surface: expected scores from the columns and their products of two.
    """

    def __init__(
        self, columns: Sequence[int], standard: Standard, surface: LogisticPredictor
    ) -> None:
        self.columns = list(columns)
        self.standard = standard
        self.surface = surface

    def predict(self, X: FloatArray) -> FloatArray:
        """Return the expected score at every rung, shape [n, k], of features [n, d]."""
        return self.surface.predict(_with_products(self.standard.apply(X[:, self.columns])))

    def state(self) -> PredictorState:
        """Return what it is made of."""
        settings, arrays = {"columns": self.columns}, self.standard._asdict()
        return PredictorState(_KIND, settings, arrays, parts={"surface": self.surface.state()})


class GeometryScores(ScoreEstimator):
    """What a rule of thumb would say: large pictures with many edges need more tokens.

    A logistic regression per rung on image area and edge density, their squares and their product.

    Args:
        columns: two or three names of the feature schema, or positions in the table.
        penalty: on the squares of the weights, at least 0; see :class:`LogisticScores`.

    Attributes:
        scores_: the fitted :class:`GeometryPredictor`.
    """

    scores_: GeometryPredictor

    def __init__(
        self,
        *,
        columns: Sequence[str | int] = ("log_area", "strong_edges_48"),
        penalty: float = 0.0001,
    ) -> None:
        self.columns = columns
        self.penalty = penalty

    def _learn(self, X: FloatArray, scores: FloatArray) -> GeometryPredictor:
        columns = _positions(self.columns, X.shape[1])
        standard = standard_of(X[:, columns])
        terms = _with_products(standard.apply(X[:, columns]))
        surface = LogisticScores(penalty=self.penalty).fit(terms, scores).scores_
        return GeometryPredictor(columns, standard, surface)


def _with_products(X: FloatArray) -> FloatArray:
    """Return the columns of X [n, c] and all products of two of them, [n, c + c (c + 1) / 2]."""
    first, second = np.triu_indices(X.shape[1])
    return np.concatenate([X, X[:, first] * X[:, second]], axis=1)


def _positions(columns: Sequence[str | int], num_features: int) -> list[int]:
    """Return where the columns are.

    Raises:
        ValueError: if there are none or too many, or one is not in the table.
    """
    names = current_schema().names
    if not 1 <= len(columns) <= _MAX_COLUMNS:
        raise ValueError(f"columns must be 1 to {_MAX_COLUMNS} names, got {list(columns)}")
    unknown = [column for column in columns if isinstance(column, str) and column not in names]
    if unknown:
        raise ValueError(f"columns must be names of the feature schema, got {unknown[0]!r}")
    found = [names.index(c) if isinstance(c, str) else int(c) for c in columns]
    if not all(0 <= column < num_features for column in found):
        raise ValueError(f"columns must lie in a table of {num_features} columns, got {found}")
    return found


class _Saved(Settings):
    columns: Annotated[list[int], Field(min_length=1, max_length=_MAX_COLUMNS)]


def restore(state: PredictorState, num_features: int, num_rungs: int) -> GeometryPredictor:
    """Return the predictor of a state that :meth:`GeometryPredictor.state` returned.

    Raises:
        PolicyError: if the state is not well formed.
    """
    columns = settings_of(state, _Saved).columns
    refuse_other_names(state, arrays=Standard._fields, parts=["surface"])
    if not all(0 <= column < num_features for column in columns):
        raise PolicyError(f"{state.kind}: columns must be under {num_features}, got {columns}")
    count = len(columns)
    standard = restore_standard(state, count)
    surface: Any = state.parts["surface"]
    terms = count + count * (count + 1) // 2
    return GeometryPredictor(columns, standard, logistic.restore(surface, terms, num_rungs))
