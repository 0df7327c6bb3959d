"""Measured costs of a model on one machine, as a file: what ``budget bench model --out`` writes.

Times are milliseconds per sample, whatever the batch; memory is that of the whole batch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from budget.errors import DataError
from budget.ladder import ScaleLadder

_MAX_BYTES = 4_000_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Spread(_Strict):
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


class RungCost(_Strict):
    """What one scale costs.

    Attributes:
        num_visual_tokens: of each grid.
        prefill_ms: from the image's features to the first new token.
        decode_ms: every further token.
        total_ms: all of it, vision tower and connector included.
        peak_bytes: tensors alive at once, weights not counted.
        flops: of one sample, computed from the configuration.
    """

    num_visual_tokens: Count
    prefill_ms: Spread
    decode_ms: Spread
    total_ms: Spread
    peak_bytes: Annotated[int, Field(ge=0)]
    flops: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Machine(_Strict):
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


class CostCalibration(_Strict):
    """Measured costs of a ladder.

    Attributes:
        format_version: of this layout.
        kind: what the file is.
        model: short name of the model.
        random_weights: whether only its shape was run.
        compiled: whether the language model ran through ``torch.compile``.
        created: date and time, ISO 8601.
        machine: where it was measured.
        dtype: type of the weights.
        batch_size: samples that ran together.
        grids: squares that each sample's image was seen in.
        text_tokens: prompt tokens without the visual ones.
        new_tokens: tokens generated per sample.
        repeats: measurements of every scale.
        vision_ms: vision tower and connector, the same at every scale.
        rungs: one entry per scale, cheapest first.
    """

    format_version: Literal[1]
    kind: Literal["cost-calibration"]
    model: str
    random_weights: bool
    compiled: bool
    created: str
    machine: Machine
    dtype: str
    batch_size: Count
    grids: Count
    text_tokens: Annotated[int, Field(ge=0)]
    new_tokens: Count
    repeats: Count
    vision_ms: Spread
    rungs: Annotated[list[RungCost], Field(min_length=1, max_length=1_000)]

    @model_validator(mode="after")
    def _scales_rise(self) -> "CostCalibration":
        ScaleLadder(tuple(rung.num_visual_tokens for rung in self.rungs))
        return self

    @property
    def ladder(self) -> ScaleLadder:
        """The scales that were measured."""
        return ScaleLadder(tuple(rung.num_visual_tokens for rung in self.rungs))

    def sample_ms(self, new_tokens: int | None = None) -> list[float]:
        """Return milliseconds of one sample at every scale, from the medians of its parts.

        Args:
            new_tokens: length of the answer; by default what was measured.
        """
        passes = (self.new_tokens if new_tokens is None else new_tokens) - 1
        return [
            self.vision_ms.median + rung.prefill_ms.median + passes * rung.decode_ms.median
            for rung in self.rungs
        ]


def write_calibration(path: str | Path, calibration: CostCalibration) -> None:
    """Write a calibration; its folder is made if needed."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_calibration(path: str | Path) -> CostCalibration:
    """Read a calibration, checking all of it.

    Raises:
        DataError: if there is no such file or it is not well formed.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"no calibration can be read at {path}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise DataError(f"{path} is larger than {_MAX_BYTES} bytes, so it is not read")
    try:
        return CostCalibration.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path}: {where}: {first['msg']}") from error
