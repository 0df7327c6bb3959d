"""The families of predictors by name: which file holds the estimator, and what restores it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from budget.errors import PolicyError

if TYPE_CHECKING:
    from policies.predictor_state import PredictorState, ScoreLearner, StoredPredictor

# Family -> the module that holds it and its estimator. Every module also has ``restore``.
FAMILIES: Mapping[str, tuple[str, str]] = {
    "calibrated": ("policies.calibrated", "CalibratedScores"),
    "ensemble": ("policies.ensemble", "EnsembleScores"),
    "gains": ("policies.gains", "GainScores"),
    "geometry": ("policies.geometry", "GeometryScores"),
    "joint-lightgbm": ("policies.joint_lightgbm", "JointLightGBMScores"),
    "lightgbm": ("policies.scores", "LightGBMScores"),
    "logistic": ("policies.logistic", "LogisticScores"),
    "mean": ("policies.mean_scores", "MeanScores"),
    "neighbours": ("policies.neighbours", "NeighboursScores"),
    "network": ("policies.network", "NetworkScores"),
    "ordinal": ("policies.ordinal", "OrdinalScores"),
    "shared": ("policies.shared_scores", "SharedScores"),
}


def make_estimator(family: str, **settings: Any) -> "ScoreLearner":
    """Return an unfitted estimator of a family: ``fit(X, y)`` leaves ``scores_``.

    Args:
        family: a name of ``FAMILIES``.
        settings: arguments of its estimator.

    Raises:
        PolicyError: if there is no such family, or it has no such setting.
    """
    legal = default_settings(family)
    for name in settings:
        if name not in legal:
            words = ", ".join(sorted(legal)) or "none"
            raise PolicyError(f"family {family!r} has no setting {name!r}; it has {words}")
    estimator: ScoreLearner = _estimator(family)(**settings)
    return estimator


def default_settings(family: str) -> dict[str, Any]:
    """Return the settings of a family and what they are by default.

    Raises:
        PolicyError: if there is no such family.
    """
    parameters = inspect.signature(_estimator(family)).parameters.values()
    return {p.name: p.default for p in parameters}


def known_settings(family: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings that a family has, for what is told to whoever takes it."""
    legal = default_settings(family)
    return {name: value for name, value in settings.items() if name in legal}


def parse_settings(family: str, words: Sequence[str]) -> dict[str, Any]:
    """Return settings that were written as ``name=value``, each of the type of its default.

    Args:
        family: a name of ``FAMILIES``.
        words: such as ``["max_trees=200", "monotone=true"]``; what is a list by default takes
            commas.

    Raises:
        PolicyError: if there is no such family or setting, or a value is of another type.

    Example:
        >>> parse_settings("lightgbm", ["max_trees=200", "monotone=true"])
        {'max_trees': 200, 'monotone': True}
    """
    legal = default_settings(family)
    settings: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in legal or name in settings:
            raise PolicyError(
                f"a setting of family {family!r} is name=value, each name once, of "
                f"{', '.join(sorted(legal)) or 'none'}; got {word!r}"
            )
        settings[name] = _parse(word, value, legal[name])
    return settings


def _parse(word: str, value: str, default: Any) -> Any:
    """Return a value as the type of the default that it replaces."""
    if isinstance(default, bool):
        if value not in ("true", "false"):
            raise PolicyError(f"{word!r} must be true or false")
        return value == "true"
    if isinstance(default, (list, tuple)):
        return tuple(value.split(","))
    kind: type[int | float | str] = type(default) if isinstance(default, (int, float)) else str
    try:
        return kind(value)
    except ValueError as error:
        article = "an integer" if kind is int else "a number"
        raise PolicyError(f"{word!r} must be {article}") from error


def restore_predictor(
    state: "PredictorState", num_features: int, num_rungs: int
) -> "StoredPredictor":
    """Return the predictor that a state was taken from, after checking the state.

    Raises:
        PolicyError: if there is no such family, or the state is not well formed.
    """
    restore: Callable[..., StoredPredictor] = _module(state.kind).restore
    return restore(state, num_features, num_rungs)


def _estimator(family: str) -> Any:
    return getattr(_module(family), FAMILIES[family][1])


def _module(family: str) -> Any:
    if family not in FAMILIES:
        raise PolicyError(f"no family {family!r}; there are {', '.join(sorted(FAMILIES))}")
    return import_module(FAMILIES[family][0])
