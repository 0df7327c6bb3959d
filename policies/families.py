"""The families of predictors by name: which file holds the estimator, and what restores it."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from budget.errors import PolicyError

if TYPE_CHECKING:
    from policies.predictor_state import PredictorState, StoredPredictor

# Family -> the module that holds it and its estimator. Every module also has ``restore``.
FAMILIES: Mapping[str, tuple[str, str]] = {
    "lightgbm": ("policies.scores", "LightGBMScores"),
    "shared": ("policies.shared_scores", "SharedScores"),
}


def make_estimator(family: str, **settings: Any) -> Any:
    """Return an unfitted estimator of a family: ``fit(X, y)`` leaves ``scores_``.

    Args:
        family: a name of ``FAMILIES``.
        settings: arguments of its estimator.

    Raises:
        PolicyError: if there is no such family.
    """
    return getattr(_module(family), FAMILIES[family][1])(**settings)


def restore_predictor(
    state: "PredictorState", num_features: int, num_rungs: int
) -> "StoredPredictor":
    """Return the predictor that a state was taken from, after checking the state.

    Raises:
        PolicyError: if there is no such family, or the state is not well formed.
    """
    restore: Callable[..., StoredPredictor] = _module(state.kind).restore
    return restore(state, num_features, num_rungs)


def _module(family: str) -> Any:
    if family not in FAMILIES:
        raise PolicyError(f"no family {family!r}; there are {', '.join(sorted(FAMILIES))}")
    return import_module(FAMILIES[family][0])
