"""Rows of a text file: where each begins is known, and it is parsed when it is read."""

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from budget.errors import DataError, one_line

Parse = Callable[[str], dict[str, Any]]


class TextRows:
    """Rows between byte offsets of a file; eight bytes of memory a row, whatever a row holds.

    Args:
        path: a file in UTF-8.
        offsets: where every row begins, and where the last one ends.
        parse: the text from one offset to the next, to values by column. What it raises for a
            broken row is a ``ValueError``.
        column_names: the names of all columns.
    """

    remarks: tuple[str, ...] = ()

    def __init__(
        self, path: Path, offsets: "array[int]", parse: Parse, column_names: list[str]
    ) -> None:
        self.path = path
        self.folder = path.parent
        self.offsets = offsets
        self.parse = parse
        self.column_names = column_names

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns in some rows.

        Raises:
            DataError: if a row cannot be parsed.
        """
        found: dict[str, list[Any]] = {name: [] for name in columns}
        with self.path.open("rb") as file:
            for number in numbers:
                start, end = self.offsets[number], self.offsets[number + 1]
                file.seek(start)
                record = self._parsed(file.read(end - start), number)
                for name in columns:
                    found[name].append(record.get(name))
        return found

    def _parsed(self, raw: bytes, number: int) -> dict[str, Any]:
        try:
            return self.parse(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError) as problem:
            raise DataError(f"{self.path}, row {number}: {one_line(problem)}") from problem
