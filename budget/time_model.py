"""How long batches of a model take on one machine, as a file: what ``budget bench times`` writes.

A call of ``rows`` prompts of padded length ``t`` takes a fixed time, a time per row, per token and
per pair of tokens, none of them negative: so times rise with rows and length, also beyond what was
measured. Batches that are padded carry a mask, which costs, and have times of their own.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from budget.measured_files import Count, Machine, Spread, Strict, read_measured, write_measured

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CallCost(Strict):
    """Milliseconds of one call of the language model over ``rows`` x ``length`` tokens.

    Attributes:
        fixed: of any call.
        row: of every prompt.
        token: of every token, padding included.
        pair: of every pair of a prompt's tokens.
    """

    fixed: NotNegative
    row: NotNegative
    token: NotNegative
    pair: NotNegative

    def ms(self, rows: Any, length: Any) -> Any:
        """Return the milliseconds of batches; numbers or arrays that broadcast."""
        tokens = rows * length
        return self.fixed + self.row * rows + self.token * tokens + self.pair * tokens * length


class BatchCost(Strict):
    """Times of batches of one sort.

    Attributes:
        prefill: from the prompts to their first new tokens.
        step: one more token of every prompt, ``length`` being what is cached.
    """

    prefill: CallCost
    step: CallCost


class EncodeCost(Strict):
    """Milliseconds of vision tower and connector, pictures decoded before.

    Attributes:
        fixed: of any call.
        grid: of every square that is seen.
    """

    fixed: NotNegative
    grid: NotNegative


class TimeModel(Strict):
    """Times of one model on one machine.

    Attributes:
        format_version: of this layout.
        kind: what the file is.
        model: short name of the model.
        created: date and time, ISO 8601.
        machine: where it was measured.
        dtype: type of the weights.
        repeats: measurements of every batch.
        max_rows: prompts of the largest batch that was measured.
        max_length: tokens of the longest prompt that was measured.
        new_tokens: tokens that an answer is expected to have, the stop token included.
        even: batches of prompts of one length.
        padded: batches of prompts of different lengths.
        encode: images.
        text_ms: reading a question and writing an answer as text, per sample.
        prefill_error: share by which predictions missed batches that were not fitted on.
        step_error: likewise, of one token more.
    """

    format_version: Literal[1]
    kind: Literal["time-model"]
    model: str
    created: str
    machine: Machine
    dtype: str
    repeats: Count
    max_rows: Count
    max_length: Count
    new_tokens: Count
    even: BatchCost
    padded: BatchCost
    encode: EncodeCost
    text_ms: NotNegative
    prefill_error: Spread
    step_error: Spread

    def batch_ms(self, rows: Any, length: Any, padded: Any, new_tokens: Any = None) -> Any:
        """Return the milliseconds of answering batches of prompts, images not counted.

        Args:
            rows: prompts in a batch; numbers or arrays that broadcast.
            length: tokens of the longest prompt.
            padded: whether the prompts differ in length.
            new_tokens: tokens of every answer; by default what is expected.
        """
        steps = (self.new_tokens if new_tokens is None else new_tokens) - 1
        # A step's time is linear in the length of the cache, so its mean is that of the middle.
        middle = length + (steps + 1) / 2
        even, masked = (
            cost.prefill.ms(rows, length) + steps * cost.step.ms(rows, middle)
            for cost in (self.even, self.padded)
        )
        return np.where(padded, masked, even)

    def encode_ms(self, grids: int, batch: int = 32) -> float:
        """Return the milliseconds of so many squares, encoded ``batch`` at a time."""
        return -(-grids // batch) * self.encode.fixed + grids * self.encode.grid

    def sample_ms(
        self, rows: int, lengths: Any, *, grids: int = 1, new_tokens: Any = None
    ) -> NDArray[np.float64]:
        """Return the milliseconds of single samples, each in a full batch of its like.

        Args:
            rows: samples that run together.
            lengths: tokens of each sample's prompt, shape [n].
            grids: squares that each sample's image is seen in.
            new_tokens: tokens of every answer; by default what is expected.
        """
        own = self.batch_ms(rows, np.asarray(lengths, dtype=np.float64), False, new_tokens)
        seen: NDArray[np.float64] = (own + self.encode_ms(rows * grids)) / rows + self.text_ms
        return seen


def write_times(path: str | Path, times: TimeModel) -> None:
    """Write a time model; its folder is made if needed."""
    write_measured(path, times)


def read_times(path: str | Path) -> TimeModel:
    """Read a time model, checking all of it.

    Raises:
        DataError: if there is no such file or it is not well formed.
    """
    return read_measured(path, TimeModel, "time model")
