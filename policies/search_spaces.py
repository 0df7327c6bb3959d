"""What tuning may try of each family of predictors: one function a family, all in this file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from budget.errors import PolicyError
from policies.families import FAMILIES, default_settings

Settings = dict[str, Any]


class Trial(Protocol):
    """What a space asks of whoever searches it; Optuna's trials keep it."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number in [low, high]."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Return a whole number in [low, high]."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of ``choices``."""
        ...


def _lightgbm(trial: Trial) -> Settings:
    return {
        "objective": trial.suggest_categorical("objective", ["cross_entropy", "regression"]),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        # Trees of more than 16 leaves are not walked by numpy, and decisions get slower.
        "num_leaves": trial.suggest_int("num_leaves", 3, 16),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 200, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
        "monotone": trial.suggest_categorical("monotone", [False, True]),
    }


def _joint_lightgbm(trial: Trial) -> Settings:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 16),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 1000, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
        "rising": trial.suggest_categorical("rising", [False, True]),
    }


def _logistic(trial: Trial) -> Settings:
    return {"penalty": trial.suggest_float("penalty", 1e-4, 1.0, log=True)}


def _neighbours(trial: Trial) -> Settings:
    return {
        "num_neighbours": trial.suggest_int("num_neighbours", 5, 500, log=True),
        "sharpness": trial.suggest_float("sharpness", 0.0, 4.0),
    }


def _network(trial: Trial) -> Settings:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-3, 1.0, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "image_units": trial.suggest_int("image_units", 16, 128, log=True),
        "question_units": trial.suggest_int("question_units", 8, 64, log=True),
        "hidden_units": trial.suggest_int("hidden_units", 8, 64, log=True),
        "rising": trial.suggest_categorical("rising", [False, True]),
    }


# Family -> its space: a function from a trial to settings of the family's estimator. Everything
# is suggested under the name of the setting, and the defaults lie inside.
SPACES: Mapping[str, Callable[[Trial], Settings]] = {
    "joint-lightgbm": _joint_lightgbm,
    "lightgbm": _lightgbm,
    "logistic": _logistic,
    "neighbours": _neighbours,
    "network": _network,
}


def space_of(family: str) -> Callable[[Trial], Settings]:
    """Return the space of a family.

    Raises:
        PolicyError: if it has none, or there is no such family.
    """
    legal = sorted(set(SPACES) & set(FAMILIES))
    if family not in legal:
        raise PolicyError(
            f"no search space for the family {family!r}; there is one for {', '.join(legal)}"
        )
    return SPACES[family]


def space_defaults(family: str) -> Settings:
    """Return the defaults of all settings that the space of a family may change.

    Raises:
        PolicyError: if it has no space.
        ValueError: if a default lies outside the space.
    """
    return space_of(family)(_Defaults(default_settings(family)))


class _Defaults:
    """A trial that takes every default."""

    def __init__(self, defaults: Mapping[str, Any]) -> None:
        self._defaults = defaults

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self._within(name, low, high))

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(self._within(name, low, high))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        if self._defaults[name] not in choices:
            raise ValueError(f"{name} must be one of {choices}, got {self._defaults[name]!r}")
        return self._defaults[name]

    def _within(self, name: str, low: float, high: float) -> float:
        value: float = self._defaults[name]
        if not low <= value <= high:
            raise ValueError(f"{name} must lie in [{low}, {high}], got {value!r}")
        return value
