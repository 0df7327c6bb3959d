"""What files of measurements have in common: strict fields, quartiles, and reading with checks."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from budget.errors import DataError

_MAX_BYTES = 4_000_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """Fields that are exactly of their type, with none besides, and do not change."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


AnyFile = TypeVar("AnyFile", bound=Strict)


class Spread(Strict):
    """Repeated measurements of one thing.

    Attributes:
        median: of all repeats.
        low: lower quartile.
        high: upper quartile.
    """

    median: Finite
    low: Finite
    high: Finite

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Return median and quartiles of measured values."""
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
        return cls(median=median, low=low, high=high)


class Machine(Strict):
    """Where it was measured.

    Attributes:
        platform: operating system and architecture.
        processor: name of the processor.
        device: what the model ran on, as torch names it.
        device_name: name of that device.
        threads: threads of torch on the processor.
        torch: its version.
    """

    platform: str
    processor: str
    device: str
    device_name: str
    threads: Count
    torch: str


def write_measured(path: str | Path, content: Strict) -> None:
    """Write a file of measurements, whole or not at all; its folder is made if needed."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")
    part.replace(target)


def read_measured(path: str | Path, kind: type[AnyFile], what: str) -> AnyFile:
    """Read a file of measurements, checking all of it.

    Args:
        path: the file.
        kind: what it must hold.
        what: its name in messages, e.g. ``"calibration"``.

    Raises:
        DataError: if there is no such file or it is not well formed.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"no {what} can be read at {path}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise DataError(f"{path} is larger than {_MAX_BYTES} bytes, so it is not read")
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}") from error
