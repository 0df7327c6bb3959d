"""The strict schema of ``policy.json``, format version 2.

A predictor is a tree of nodes. A node names its family, its settings (plain JSON values) and what
belongs to it: arrays, LightGBM texts and further nodes. What the names stand for lies beside
``policy.json``: every array in ``arrays.safetensors`` under the node's place, and every text in a
file that is called after its place, so that no path is ever read out of a policy.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from budget.ladder import ScaleLadder
from policies.lightgbm_policy import CostUnit

POLICY_FILE = "policy.json"
ARRAY_FILE = "arrays.safetensors"
PREDICTOR, CALIBRATION, EXTRA = "predictor", "calibration", "extra"
# Texts of format version 1 were called after the rung alone; a policy in their place replaces them.
_OWN_FILES = re.compile(
    r"policy\.json|arrays\.safetensors|(predictor|calibration|extra)-[a-z0-9_.-]+\.txt|rung_\d+\.txt"
)

Price = Annotated[float, Field(ge=0, le=1e30, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Integer = Annotated[int, Field(ge=-(2**53), le=2**53)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.]{0,63}$")]
Names = Annotated[list[Name], Field(max_length=1_000)]
Word = Annotated[str, Field(max_length=1_000)]
Value = None | bool | Integer | Number | Word
Setting = Value | Annotated[list[Value], Field(max_length=10_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Node(_Strict):
    """One part of a predictor, or what else a policy carries; see :class:`PredictorState`."""

    kind: Name
    settings: dict[Name, Setting] = Field(max_length=1_000)
    arrays: Names
    texts: Names
    parts: dict[Name, "Node"] = Field(max_length=100)

    def walk(self, place: str) -> Iterator[tuple[str, "Node"]]:
        """Yield this node and all below it, each with its place."""
        yield place, self
        for name, part in self.parts.items():
            yield from part.walk(f"{place}/{name}")


class File(_Strict):
    """A file beside ``policy.json``."""

    name: Annotated[str, Field(max_length=1_000)]
    bytes: Annotated[int, Field(ge=0, le=2**40)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Features(_Strict):
    """The schema of features that the policy was fitted on."""

    names: list[Word] = Field(max_length=10_000)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PolicyContent(_Strict):
    """All of ``policy.json``."""

    format_version: Literal[2]
    ladder: list[Annotated[int, Field(ge=1, le=2**31)]] = Field(min_length=1, max_length=1_000)
    cost_unit: CostUnit
    rung_costs: list[Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)]]
    prices: dict[Annotated[str, Field(max_length=100)], Price] = Field(max_length=100)
    features: Features
    predictor: Node
    calibration: Node
    extras: dict[Name, Node] = Field(max_length=100)
    files: list[File] = Field(max_length=100_000)

    @model_validator(mode="after")
    def _one_cost_per_rung(self) -> "PolicyContent":
        if len(self.ladder) != len(self.rung_costs):
            raise ValueError("ladder and rung_costs must be equally long")
        if (np.diff(self.rung_costs) <= 0).any():
            raise ValueError("rung_costs must rise")
        ScaleLadder(tuple(self.ladder))
        return self

    @model_validator(mode="after")
    def _files_are_those_of_the_nodes(self) -> "PolicyContent":
        found = [file.name for file in self.files]
        wanted = [ARRAY_FILE, *(text_file(place) for place in self.places("texts"))]
        different = sorted(set(found) ^ set(wanted))
        if different:
            raise ValueError(f"files are not those of the nodes, for example {different[0]!r:.100}")
        for names in (found, self.places("texts"), self.places("arrays")):
            if len(set(names)) != len(names):
                raise ValueError("a name comes twice in files, texts or arrays")
        if any(node.kind != name for name, node in self.extras.items()):
            raise ValueError("an extra's kind must be its name")
        return self

    def nodes(self) -> dict[str, Node]:
        """Return the nodes at the top by their places."""
        extras = {f"{EXTRA}/{name}": node for name, node in self.extras.items()}
        return {PREDICTOR: self.predictor, CALIBRATION: self.calibration, **extras}

    def places(self, field: Literal["arrays", "texts"]) -> list[str]:
        """Return the place of every array or text."""
        return [
            f"{place}/{name}"
            for top, node in self.nodes().items()
            for place, below in node.walk(top)
            for name in getattr(below, field)
        ]


def text_file(place: str) -> str:
    """Return the name of the file of a text.

    Example:
        >>> text_file("predictor/rung_0")
        'predictor-rung_0.txt'
    """
    return f"{place.replace('/', '-')}.txt"


def is_own_file(name: str) -> bool:
    """Return whether a file of this name may be part of a policy's folder."""
    return _OWN_FILES.fullmatch(name) is not None
