"""What is left of a dataset, a stretch of rows at a time: of a table, or of a stream.

Stretches begin at fixed rows, so that a run in pieces has the batches of a run in one.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.data_choice import ROW_NUMBERS
from budget.errors import DataError
from oracle.question_stream import QuestionStream
from oracle.run_folder.seen_ids import SeenIds
from oracle.samples import Samples

if TYPE_CHECKING:
    from datasets import Dataset


class Block(NamedTuple):
    """Rows of a dataset that are run together, and what reads them."""

    samples: Samples
    rows: list[int]


class Settled:
    """Rows of a dataset that are not to be run: they have curves, or failed.

    Args:
        rows: in any order.
    """

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._flags = np.zeros(int(rows.max(initial=-1)) + 1, dtype=np.bool_)
        self._flags[rows] = True

    @property
    def front(self) -> int:
        """The first row that is to be run."""
        return len(self._flags) if self._flags.all() else int(self._flags.argmin())

    def left(self, start: int, end: int) -> list[int]:
        """Return the rows from ``start`` to before ``end`` that are to be run."""
        known = start + np.flatnonzero(~self._flags[start:end])
        beyond: range = range(max(start, len(self._flags)), end)
        return [*known.tolist(), *beyond]


def table_blocks(dataset: "Dataset", settled: Settled, size: int) -> Iterator[Block]:
    """Yield what is left of a dataset whose length is known."""
    samples = Samples(dataset)
    for start in range(0, len(dataset), size):
        if rows := settled.left(start, min(start + size, len(dataset))):
            yield Block(samples, rows)


def stream_blocks(
    stream: QuestionStream, settled: Settled, size: int, seen: SeenIds, total: int | None
) -> Iterator[Block]:
    """Yield what is left of a stream; nothing before the first row that is left is read.

    Args:
        stream: samples as they arrive.
        settled: rows not to be run.
        size: rows that are taken together.
        seen: ids of the rows that are settled.
        total: rows of the stream if its end was seen before.

    Raises:
        DataError: if the stream breaks off, or a row's id cannot be read or came by before.
    """
    end = None if total is None else max(settled.left(0, total), default=-1) + 1
    start = settled.front // size * size
    if end is not None and start >= end:
        return
    for chunk in stream.chunks(size, start):
        if rows := settled.left(start, start + len(chunk)):
            samples = Samples(chunk, first=start)
            ids = [samples.sample_id(row) for row in rows]
            if (place := seen.repeated(ids)) is not None:
                raise DataError(
                    f"{stream.spec}: the id {ids[place]!r:.80} of row {rows[place]} is repeated; "
                    f"--id-column '{ROW_NUMBERS}' takes row numbers for ids"
                )
            yield Block(samples, rows)
        start += len(chunk)
        if end is not None and start >= end:
            return
