"""What a governor remembers, as a JSON file, so that a restart does not forget."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from budget.choice_path import FloatArray
from budget.errors import DataError
from budget.measured_files import Finite, Strict, read_measured, write_measured

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class GovernorState(Strict):
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
    write_measured(path, state)


def read_state(path: str | Path) -> GovernorState:
    """Read a state, checking all of it.

    Raises:
        DataError: if there is no such file or it is not well formed.
    """
    return read_measured(path, GovernorState, "governor's state")
