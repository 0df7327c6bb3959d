"""The weights of a checkpoint folder, read one at a time.

Safetensors or ``.bin`` files, in one piece or in shards. Nothing is read before it is asked for
(a safetensors slice) or before its page is touched (a mapped ``.bin`` file), so that a model is
never in memory twice; nothing is unpickled freely.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from safetensors import safe_open

from budget.errors import ModelError, one_line
from budget.json_files import read_json

# A tensor, or a safetensors slice: ``value[...]`` is the tensor.
Lazy = Any

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
_NAMES = ("model.safetensors", "pytorch_model.bin")
_LISTED = 10


def open_weights(folder: Path) -> dict[str, Lazy]:
    """Return the weights of a folder by name; they are read when they are used.

    Raises:
        ModelError: if there are no weights, a file cannot be read, or the shards do not hold
            what their index says.
    """
    for name in _NAMES:
        if (folder / name).is_file():
            return _open_file(folder / name)
        index = folder / f"{name}.index.json"
        if index.is_file():
            return _open_shards(index)
    raise ModelError(f"no weights in {folder}: neither {_NAMES[0]} nor {_NAMES[1]}")


def shape_of(value: Lazy) -> tuple[int, ...]:
    """Return the shape of a weight without reading it."""
    return tuple(value.shape if isinstance(value, torch.Tensor) else value.get_shape())


def dtype_of(value: Lazy) -> torch.dtype | None:
    """Return the floating-point type of a weight without reading it; None if it has another."""
    if isinstance(value, torch.Tensor):
        return value.dtype if value.is_floating_point() else None
    return _DTYPES.get(value.get_dtype())


def main_dtype(weights: dict[str, Lazy]) -> torch.dtype:
    """Return the floating-point type that most numbers of a checkpoint have."""
    numbers: Counter[torch.dtype] = Counter()
    for value in weights.values():
        dtype = dtype_of(value)
        if dtype is not None:
            numbers[dtype] += torch.Size(shape_of(value)).numel()
    return numbers.most_common(1)[0][0] if numbers else torch.float32


def listed(names: Iterable[str]) -> str:
    """Return names in order, the first ten of them if there are many.

    Example:
        >>> listed(["b", "a"])
        'a, b'
    """
    ordered = sorted(names)
    more = len(ordered) - _LISTED
    return ", ".join(ordered[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _open_file(path: Path) -> dict[str, Lazy]:
    try:
        if path.suffix == ".safetensors":
            # "pread" reads one weight into memory of its own; mapped pages would stay beside it.
            file: Any = safe_open(path, framework="pt", backend="pread")
            return {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        state = torch.load(
            path, map_location="cpu", weights_only=True, mmap=is_zipfile(path) or None
        )
    except Exception as error:
        raise ModelError(f"cannot read the weights in {path}: {one_line(error)}") from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    ):
        raise ModelError(f"{path} must hold tensors by name, got {type(state).__name__}")
    return state


def _open_shards(index: Path) -> dict[str, Lazy]:
    told = read_json(index).get("weight_map")
    if not isinstance(told, dict) or any(Path(str(s)).name != s for s in told.values()):
        raise ModelError(f"{index} must map weights to file names of its own folder")
    weights: dict[str, Lazy] = {}
    for shard in sorted(set(told.values())):
        weights.update(_open_file(index.parent / shard))
    if absent := told.keys() - weights.keys():
        raise ModelError(f"the shards of {index} lack {listed(absent)}")
    return weights
