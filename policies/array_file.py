"""Named arrays of numbers as one safetensors file, checked before they are used."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budget.errors import PolicyError

MAX_BYTES = 512_000_000
# What may be stored; wide enough for numbers, narrow enough that nobody needs to ask.
DTYPES = ("float64", "float32", "int64")
# Far beyond any feature or weight, and products of a few of them are still numbers.
_LARGEST = 1e30


def write_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the content of a file of arrays.

    Raises:
        PolicyError: if :func:`read_arrays` would not read it back.
    """
    from safetensors.numpy import save

    for name, array in arrays.items():
        _check(name, array)
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    if len(data) > MAX_BYTES:
        raise PolicyError(f"the arrays take {len(data)} bytes, at most {MAX_BYTES} are read back")
    return data


def read_arrays(data: bytes, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file, all of them numbers, read-only.

    Args:
        data: the file's content.
        names: what it must hold, no more and no less.

    Raises:
        PolicyError: if it is no such file, or an array is of another type, empty, not finite or
            larger than any sensible number.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: dict[str, NDArray[Any]] = load(data)
    except (SafetensorError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise PolicyError(f"the arrays cannot be read: {type(error).__name__}: {error}") from error
    different = sorted(set(arrays) ^ set(names))
    if different:
        raise PolicyError(f"the arrays are not those of policy.json, for example {different[0]!r}")
    for name, array in arrays.items():
        _check(name, array)
    return arrays


def _check(name: str, array: NDArray[Any]) -> None:
    if str(array.dtype) not in DTYPES:
        raise PolicyError(f"array {name!r} is of {array.dtype}, legal are {', '.join(DTYPES)}")
    if not array.size:
        raise PolicyError(f"array {name!r} is empty, its shape is {array.shape}")
    if array.dtype.kind == "f" and not (np.abs(array) <= _LARGEST).all():
        raise PolicyError(f"array {name!r} holds NaN, infinity or a number beyond {_LARGEST:g}")
