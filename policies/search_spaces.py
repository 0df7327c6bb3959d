"""What tuning may try of each family of predictors: one function a family, all in this file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from budget.errors import PolicyError
from policies.families import make_estimator

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


# Family -> its space: a function from a trial to settings of the family's estimator. Everything
# is suggested under the name of the setting, and the defaults lie inside.
SPACES: Mapping[str, Callable[[Trial], Settings]] = {
    "lightgbm": _lightgbm,
}


def space_of(family: str) -> Callable[[Trial], Settings]:
    """Return the space of a family.

    Raises:
        PolicyError: if it has none.
    """
    if family not in SPACES:
        raise PolicyError(
            f"no search space for the family {family!r}; there is one for "
            f"{', '.join(sorted(SPACES))}"
        )
    return SPACES[family]


def space_defaults(family: str) -> Settings:
    """Return the defaults of all settings that the space of a family may change.

    Raises:
        PolicyError: if it has no space.
        ValueError: if a default lies outside the space.
    """
    space = space_of(family)
    return space(_Defaults(make_estimator(family).get_params()))


def estimator_for(family: str, settings: Mapping[str, Any], *, seed: int, threads: int) -> Any:
    """Return an unfitted estimator with settings, and a seed and threads where it takes them.

    Raises:
        PolicyError: if there is no such family, or it lacks one of the settings.
    """
    known = make_estimator(family).get_params()
    if unknown := sorted(set(settings) - set(known)):
        raise PolicyError(
            f"the family {family!r} has no setting {unknown[0]!r}; "
            f"it has {', '.join(sorted(known))}"
        )
    run = {"random_state": seed, "num_threads": threads}
    return make_estimator(family, **{k: v for k, v in run.items() if k in known} | dict(settings))


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
