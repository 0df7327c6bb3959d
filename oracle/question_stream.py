"""Questions about images in the order in which they arrive, as from a hub dataset."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.data_choice import DataChoice
from budget.errors import DataError, one_line
from oracle.question_table import QuestionTable
from oracle.sample_reader import SampleReader
from oracle.sources.labels import label_names, named
from oracle.sources.rows import HeldRows

if TYPE_CHECKING:
    from datasets import IterableDataset


class QuestionStream:
    """Samples of data whose length is unknown, in chunks that are tables.

    Args:
        dataset: the stream; it may be gone through several times.
        reader: makes samples of its rows.
        spec: what errors call the data.
        split: of the data.
        choice: what the user said of them.
        limit: samples taken from the front, ``None`` for all.
    """

    num_rows: int | None = None

    def __init__(
        self,
        dataset: "IterableDataset",
        reader: SampleReader,
        spec: str,
        split: str,
        choice: DataChoice,
        limit: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.reader = reader
        self.spec = spec
        self.split = split
        self.choice = choice
        self.limit = limit
        self.column_names = reader.column_names

    def chunks(self, size: int, start: int = 0) -> Iterator[QuestionTable]:
        """Yield tables of ``size`` rows, the last perhaps shorter, from the row ``start`` on.

        Raises:
            DataError: if the stream breaks off.
        """
        rows = iter(self.dataset.skip(start) if start else self.dataset)
        labels = label_names(self.dataset.features.arrow_schema.metadata)
        for first in count(start, size):
            left = size if self.limit is None else min(size, self.limit - first)
            records = self._next(rows, left)
            if not records:
                return
            for name in set(labels) & set(records[0]):
                words = named([record[name] for record in records], labels[name])
                for record, word in zip(records, words, strict=True):
                    record[name] = word
            held = HeldRows(records, list(records[0]), Path())
            yield QuestionTable(held, self.reader, self.spec, first=first)
            if len(records) < size:
                return

    def fingerprint(self) -> str:
        """Return a hash of where the stream comes from and how it is read, not of its rows."""
        told = [self.spec, self.split, self.limit, asdict(self.choice)]
        return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()

    def _next(self, rows: Iterator[dict[str, Any]], size: int) -> list[dict[str, Any]]:
        try:
            return [dict(row) for row in islice(rows, max(size, 0))]
        except Exception as problem:  # the network and the hub's client raise dozens of kinds
            raise DataError(
                f"{self.spec} ({self.split}) broke off: {one_line(problem)}"
            ) from problem


def undecoded(dataset: "IterableDataset") -> "IterableDataset":
    """Return a stream whose columns are known and whose images are not decoded."""
    if dataset.features is None:
        dataset = dataset._resolve_features()  # reads the first rows; there is no public name
    return dataset.decode(False)
