"""Measure what a model's batches take and fit a time model on it.

Batches on a grid of rows and lengths, padded and not, are fitted by non-negative least squares on
relative errors; batches drawn between them say how well that predicts.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from budget.benchmark import describe_machine
from budget.call_times import Call, CallTime, measure
from budget.measured_files import Spread
from budget.time_model import BatchCost, CallCost, EncodeCost, TimeModel

if TYPE_CHECKING:
    from budget.llava import LlavaRunner

_SHORTEST = 8
_LENGTHS = 7


class Extent(NamedTuple):
    """Which batches are measured.

    Attributes:
        max_rows: prompts of the largest batch.
        max_length: tokens of the longest prompt.
        held_out: batches that are predicted, not fitted on.
    """

    max_rows: int
    max_length: int
    held_out: int = 16


def measure_times(
    model: "LlavaRunner",
    extent: Extent,
    *,
    new_tokens: int,
    repeats: int,
    seed: int = 0,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> TimeModel:
    """Measure a model and return its time model, with its errors on batches not fitted on.

    Args:
        model: the model, on its device.
        extent: which batches are measured.
        new_tokens: tokens that an answer is expected to have.
        repeats: measurements of every batch.
        seed: of the batches that are held out.
        progress: called with (rounds done, rounds in all).

    Raises:
        ValueError: if the extent leaves nothing to fit on or to predict.
    """
    if extent.max_rows < 1 or extent.max_length <= _SHORTEST or extent.held_out < 1:
        raise ValueError(
            f"a time model needs a row, prompts of more than {_SHORTEST} tokens and a batch to "
            f"predict, got {extent.max_rows}, {extent.max_length} and {extent.held_out}"
        )
    grid, drawn = grid_of(extent), drawn_from(extent, np.random.default_rng(seed))
    images = _rows_up_to(extent.max_rows)
    found = measure(model, [*grid, *drawn], images, repeats=repeats, progress=progress)
    fitted, unseen = found.calls[: len(grid)], found.calls[len(grid) :]
    even, padded = (batch_cost(grid, fitted, padded=sort) for sort in (False, True))
    predicted = [(padded if call.padded else even, call) for call in drawn]
    prefill = [c.prefill.ms(call.rows, call.length) for c, call in predicted]
    step = [c.step.ms(call.rows, call.length) for c, call in predicted]
    counts = np.array(images, dtype=np.float64)
    encode = _fit([np.ones_like(counts), counts], [found.encode_ms[n] for n in images])
    return TimeModel(
        format_version=1,
        kind="time-model",
        model=model.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=describe_machine(model.device),
        dtype=str(model.model.dtype).removeprefix("torch."),
        repeats=repeats,
        max_rows=extent.max_rows,
        max_length=extent.max_length,
        new_tokens=new_tokens,
        even=even,
        padded=padded,
        encode=EncodeCost(fixed=encode[0], grid=encode[1]),
        text_ms=found.text_ms,
        prefill_error=_errors(prefill, [each.prefill_ms for each in unseen]),
        step_error=_errors(step, [each.step_ms for each in unseen]),
    )


def grid_of(extent: Extent) -> list[Call]:
    """Return the batches that are fitted on: rows doubling, lengths rising by a factor."""
    lengths = np.geomspace(_SHORTEST, extent.max_length, _LENGTHS).round().astype(int)
    return [
        Call(rows, length, padded)
        for rows in _rows_up_to(extent.max_rows)
        for length in np.unique(lengths).tolist()
        for padded in (False, True)
        if rows > 1 or not padded
    ]


def drawn_from(extent: Extent, rng: np.random.Generator) -> list[Call]:
    """Return batches drawn from between those of the grid."""
    rows = rng.integers(1, extent.max_rows, extent.held_out, endpoint=True).tolist()
    logs = rng.uniform(np.log(_SHORTEST), np.log(extent.max_length), extent.held_out)
    lengths = np.exp(logs).round().astype(int).tolist()
    padded = rng.integers(2, size=extent.held_out).tolist()
    return [Call(b, t, p == 1 and b > 1) for b, t, p in zip(rows, lengths, padded, strict=True)]


def batch_cost(calls: Sequence[Call], times: Sequence[CallTime], *, padded: bool) -> BatchCost:
    """Fit the times of the batches of one sort; without any of that sort, of all."""
    own = [i for i, call in enumerate(calls) if call.padded == padded] or range(len(calls))
    rows, length = np.array([calls[i][:2] for i in own], dtype=np.float64).T
    columns = [np.ones_like(rows), rows, rows * length]
    prefill = _fit([*columns, rows * length**2], [times[i].prefill_ms for i in own])
    step = _fit(columns, [times[i].step_ms for i in own])
    return BatchCost(prefill=_call_cost(prefill), step=_call_cost([*step, 0.0]))


def _call_cost(parts: Sequence[float]) -> CallCost:
    fixed, row, token, pair = parts
    return CallCost(fixed=fixed, row=row, token=token, pair=pair)


def _fit(columns: Sequence[NDArray[np.float64]], times: Sequence[float]) -> list[float]:
    """Return the parts, none negative, of least squared relative error."""
    weights = 1 / np.asarray(times)
    found: list[float] = nnls(np.stack(columns, axis=1) * weights[:, None], np.ones(len(times)))[
        0
    ].tolist()
    return found


def _rows_up_to(largest: int) -> list[int]:
    """Return 1, 2, 4 and so on, and the largest number itself."""
    return sorted({*(2**i for i in range(largest.bit_length())), largest})


def _errors(predicted: Sequence[float], measured: Sequence[float]) -> Spread:
    return Spread.of(np.abs(np.divide(predicted, measured) - 1).tolist())
