"""A predictor's state as files: a description in JSON, one safetensors file, LightGBM texts."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from budget.errors import PolicyError, one_line
from policies.policy_schema import ARRAY_FILE, PREDICTOR, Name, Number, text_file
from policies.predictor_state import PredictorState

Value = None | bool | int | Number | Annotated[str, Field(max_length=1_000)]


class Strict(BaseModel):
    """Base of what is written as JSON: types as they are, nothing left out, nothing added."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Node(Strict):
    """What a state is made of, by name; a name stands for a file or an array that it leads to."""

    kind: Name
    settings: dict[Name, Value | list[Value]]
    arrays: list[Name]
    texts: list[Name]
    parts: dict[Name, "Node"] = Field(max_length=100)

    def walk(self, place: str = PREDICTOR) -> Iterator[tuple[str, "Node"]]:
        """Yield this node and all below it, each with its place."""
        yield place, self
        for name, part in self.parts.items():
            yield from part.walk(f"{place}/{name}")

    def files(self) -> list[str]:
        """Return the names of the files that hold what belongs to the node."""
        nodes = list(self.walk())
        texts = [text_file(f"{place}/{name}") for place, node in nodes for name in node.texts]
        return [ARRAY_FILE, *texts] if any(node.arrays for _, node in nodes) else texts


def node_of(state: PredictorState) -> Node:
    """Return the description of a state."""
    return Node(
        kind=state.kind,
        settings=dict(state.settings),
        arrays=sorted(state.arrays),
        texts=sorted(state.texts),
        parts={name: node_of(part) for name, part in state.parts.items()},
    )


def files_of(state: PredictorState) -> dict[str, bytes]:
    """Return the files of a state, by name; as many as its description has."""
    from safetensors.numpy import save

    below = list(state.walk(PREDICTOR))
    arrays = {
        f"{place}/{name}": np.ascontiguousarray(array)
        for place, part in below
        for name, array in part.arrays.items()
    }
    texts = {
        text_file(f"{place}/{name}"): text.encode()
        for place, part in below
        for name, text in part.texts.items()
    }
    return ({ARRAY_FILE: save(arrays)} if arrays else {}) | texts


def state_of(node: Node, read: Callable[[str], bytes]) -> PredictorState:
    """Return the state that a description and its files stand for; nothing is executed.

    Args:
        node: the description.
        read: a file's name to its content, checked.

    Raises:
        PolicyError: if a file is not well formed, or not what the description says.
    """
    wanted = [f"{place}/{name}" for place, below in node.walk() for name in below.arrays]
    arrays = _arrays(read(ARRAY_FILE)) if wanted else {}
    if set(arrays) != set(wanted):
        raise PolicyError(f"{ARRAY_FILE} must hold {sorted(wanted)}, got {sorted(arrays)}"[:300])
    return _state(node, PREDICTOR, arrays, read)


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise PolicyError(f"{ARRAY_FILE} cannot be read: {one_line(error)}") from error


def _state(
    node: Node, place: str, arrays: Mapping[str, NDArray[Any]], read: Callable[[str], bytes]
) -> PredictorState:
    return PredictorState(
        node.kind,
        node.settings,
        {name: arrays[f"{place}/{name}"] for name in node.arrays},
        {name: _text(read, text_file(f"{place}/{name}")) for name in node.texts},
        {name: _state(part, f"{place}/{name}", arrays, read) for name, part in node.parts.items()},
    )


def _text(read: Callable[[str], bytes], name: str) -> str:
    try:
        return read(name).decode("ascii")
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name} is not plain text") from error
