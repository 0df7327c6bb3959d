"""What every ``restore`` does first: demand that a state holds what its family needs."""

from collections.abc import Iterable
from typing import Any, TypeVar

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from budget.errors import PolicyError
from policies.predictor_state import PredictorState


class Settings(BaseModel):
    """Base of a family's settings: types as JSON has them, nothing left out, nothing added."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


SettingsT = TypeVar("SettingsT", bound=Settings)


def settings_of(state: PredictorState, model: type[SettingsT]) -> SettingsT:
    """Return the settings of a state as a family declares them.

    Raises:
        PolicyError: if one is missing, unknown or not legal.
    """
    try:
        return model.model_validate(dict(state.settings))
    except ValidationError as error:
        raise PolicyError(f"{state.kind}: {first_problem(error)}") from error


def refuse_other_names(
    state: PredictorState,
    *,
    arrays: Iterable[str] = (),
    texts: Iterable[str] = (),
    parts: Iterable[str] = (),
) -> None:
    """Refuse a state that does not hold exactly these arrays, texts and parts.

    Raises:
        PolicyError: if a name is missing or there is one too many.
    """
    wanted = {"arrays": set(arrays), "texts": set(texts), "parts": set(parts)}
    for field, names in wanted.items():
        found = set(getattr(state, field))
        if found != names:
            raise PolicyError(
                f"{state.kind}: its {field} must be {sorted(names)}, got {sorted(found)}"[:300]
            )


def array_of(
    state: PredictorState, name: str, shape: tuple[int | None, ...], *, dtype: str = "float64"
) -> NDArray[Any]:
    """Return an array of a state.

    Args:
        state: that holds it.
        name: of the array.
        shape: that it must have; None where any length will do.
        dtype: that it must have.

    Raises:
        PolicyError: if it is missing or has another shape or type.
    """
    array = state.arrays.get(name)
    if array is None:
        raise PolicyError(f"{state.kind}: there is no array {name!r}")
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    if str(array.dtype) != dtype or not fits:
        words = "any" if not shape else ", ".join("any" if n is None else str(n) for n in shape)
        raise PolicyError(
            f"{state.kind}: {name!r} must be {dtype} of shape ({words}), "
            f"got {array.dtype} of shape {array.shape}"
        )
    return array


def first_problem(error: ValidationError) -> str:
    """Return what a schema found wrong first, in one line."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the file"
    return f"{where[:200]}: {first['msg']}"
