"""What a governor remembers, as a JSON file, so that a restart does not forget."""

import os
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from budget.choice_path import FloatArray
from budget.errors import DataError

_MAX_BYTES = 4_000_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class GovernorState(BaseModel):
    """What a governor remembers.

    Attributes:
        format_version: of this layout.
        kind: what the file is.
        unit: of all costs.
        mean: cost per request that was held.
        costs: planned, of every rung.
        requests: that were governed.
        spent: what they cost in all.
        saved: what was left to spend; a debt if negative.
        planned: running mean of planned costs.
        paid: running mean of the real costs of the same requests.
        scores: expected scores of the last requests, oldest first.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format_version: Literal[1]
    kind: Literal["governor"]
    unit: Literal["tokens", "flops", "ms"]
    mean: Positive
    costs: Annotated[list[Positive], Field(min_length=1, max_length=1_000)]
    requests: Annotated[int, Field(ge=0)]
    spent: Finite
    saved: Finite
    planned: Positive
    paid: Positive
    scores: Annotated[list[list[Finite]], Field(max_length=100_000)]

    def window(self, num_rungs: int) -> FloatArray:
        """Return the expected scores, shape [w, k].

        Raises:
            DataError: if they are of another number of rungs.
        """
        lengths = {len(row) for row in self.scores} | {len(self.costs)}
        if lengths != {num_rungs}:
            raise DataError(
                f"the governor's state is of {sorted(lengths)} rungs, the ladder has {num_rungs}"
            )
        return np.array(self.scores, dtype=np.float64).reshape(-1, num_rungs)


def write_state(path: str | Path, state: GovernorState) -> None:
    """Write a state, whole or not at all; its folder is made if needed."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_text(state.model_dump_json() + "\n", encoding="utf-8")
    part.replace(target)


def read_state(path: str | Path) -> GovernorState:
    """Read a state, checking all of it.

    Raises:
        DataError: if there is no such file or it is not well formed.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"no governor's state can be read at {path}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise DataError(f"{path} is larger than {_MAX_BYTES} bytes, so it is not read")
    try:
        return GovernorState.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}") from error
