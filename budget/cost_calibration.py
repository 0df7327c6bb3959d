"""Measured costs of a model on one machine, as a file: what ``budget bench model --out`` writes.

Times are milliseconds per sample, whatever the batch; memory is that of the whole batch.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from budget.ladder import ScaleLadder
from budget.measured_files import Count, Machine, Spread, Strict, read_measured, write_measured

__all__ = [
    "CostCalibration",
    "Machine",
    "RungCost",
    "Spread",
    "read_calibration",
    "write_calibration",
]


class RungCost(Strict):
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


class CostCalibration(Strict):
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
    write_measured(path, calibration)


def read_calibration(path: str | Path) -> CostCalibration:
    """Read a calibration, checking all of it.

    Raises:
        DataError: if there is no such file or it is not well formed.
    """
    return read_measured(path, CostCalibration, "calibration")
