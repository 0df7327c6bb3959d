"""What every source of data gives: raw values by row number."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


class Rows(Protocol):
    """Rows that are read when they are asked for; nothing inherits from this.

    Attributes:
        column_names: the names of all columns.
        folder: where relative paths of images begin.
        remarks: what a user should know of how the rows were made, a few words each.
    """

    column_names: list[str]
    folder: Path
    remarks: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns in some rows, in the order of ``numbers``.

        Images are bytes, texts, or dicts of ``bytes`` and ``path``; what a row lacks is None.

        Raises:
            DataError: if a row cannot be read; names it.
        """
        ...


class HeldRows:
    """Rows in memory: what came out of a stream.

    Args:
        records: the rows.
        column_names: the names of all columns.
        folder: where relative paths of images begin.
    """

    remarks: tuple[str, ...] = ()

    def __init__(
        self, records: Sequence[dict[str, Any]], column_names: list[str], folder: Path
    ) -> None:
        self.records = records
        self.column_names = column_names
        self.folder = folder

    def __len__(self) -> int:
        return len(self.records)

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns in some rows."""
        return {name: [self.records[n].get(name) for n in numbers] for name in columns}
