"""Answers of a batch that failed, so that its halves need not ask for them again."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from budget.remote.asker import TimedAnswer
from budget.remote.failures import RequestFailed

Row = list[TimedAnswer | RequestFailed]


class Sample(NamedTuple):
    """What a row answers.

    Attributes:
        images: compared by identity; while they are held here no other image can have it.
        rest: all else, which must be hashable.
    """

    images: tuple[Any, ...]
    rest: Hashable

    @property
    def key(self) -> Hashable:
        """What tells it from others."""
        return (*map(id, self.images), self.rest)


class Kept:
    """Holds the rows of batches that failed until they are asked for again, once.

    An oracle's run finds the sample that fails by halving its batch; with this, halving sends no
    request. A failure is kept like an answer, until its sample was asked for alone.
    """

    def __init__(self) -> None:
        self._rows: dict[Hashable, tuple[Sample, Row]] = {}

    def take(self, sample: Sample) -> Row | None:
        """Return a sample's row, which is then no longer held; None without one."""
        _, row = self._rows.pop(sample.key, (sample, None))
        return row

    def settle(self, samples: Sequence[Sample], rows: Sequence[Row]) -> None:
        """Hold what came of a batch, if one of its requests failed."""
        if len(samples) > 1 and any(
            isinstance(each, RequestFailed) for row in rows for each in row
        ):
            held = zip(samples, rows, strict=True)
            self._rows |= {sample.key: (sample, row) for sample, row in held}
