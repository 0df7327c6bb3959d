"""How many queries an original MQT checkpoint has: its config.json does not say."""

import json
import pickle
import struct
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from budget.errors import ModelError

_QUERY = "model.query_abstractor.query"
_ORIGINAL_QUERIES = 256  # fixed in the original code, where nobody changed it (arXiv 2405.19315)
_MAX_HEADER_BYTES = 100_000_000


def original_query_count(folder: Path) -> int:
    """Return the queries, from the header of the weights; without weights, the original code's.

    Raises:
        ModelError: if there are weights, but no queries in them.
    """
    weights = _file_with_query(folder)
    if weights is None:
        return _ORIGINAL_QUERIES
    try:
        shape = (
            _header_shape(weights) if weights.suffix == ".safetensors" else _torch_shape(weights)
        )
        return int(shape[0])
    except (OSError, ValueError, KeyError, TypeError, IndexError, struct.error) as error:
        raise ModelError(f"cannot read the shape of {_QUERY} in {weights}: {error}") from error


def _file_with_query(folder: Path) -> Path | None:
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return folder / name
        index = folder / f"{name}.index.json"
        if index.is_file():
            try:
                name = str(json.loads(index.read_text(encoding="utf-8"))["weight_map"][_QUERY])
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise ModelError(f"{index} does not say where {_QUERY} is") from error
        if Path(name).name == name and (folder / name).is_file():
            return folder / name
    return None


def _header_shape(path: Path) -> Any:
    """Read the shape as a safetensors file states it: a length, and so many bytes of JSON."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _MAX_HEADER_BYTES:
            raise ValueError(f"a header of {length} bytes")
        return json.loads(file.read(length))[_QUERY]["shape"]


def _torch_shape(path: Path) -> Any:
    """Map a file of torch into memory: only what is asked for is read, and nothing is executed."""
    import torch

    try:
        # Only the newer of torch's two formats can be mapped.
        mapped = True if is_zipfile(path) else None
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)[_QUERY].shape
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(str(error).splitlines()[0]) from error
