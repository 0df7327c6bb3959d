"""Parquet files, one or many parts, read a few rows at a time.

Nothing is copied to a cache and nothing stays in memory: a cursor moves through the files and
goes back only when an earlier row is asked for. Reading in order is fast; jumping about within a
large row group is not.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from budget.errors import DataError, one_line
from oracle.sources.labels import label_names, named

_BATCH = 32  # rows that are decoded together
_BUFFER = 2**20
_CURSORS = 3  # one for each selection of columns that is gone through at the same time
_PART = re.compile(r"(?P<split>.+?)-\d+(-of-\d+)?")
_SPLITS = ("train", "fit", "calibration", "validation", "val", "dev", "test")


def open_parquet(files: Sequence[Path]) -> "ParquetRows":
    """Return the rows of Parquet files that have the same columns.

    Raises:
        DataError: if one cannot be read or has other columns than the first.
    """
    return ParquetRows(files)


def parts_of(folder: Path, split: str) -> list[Path]:
    """Return the Parquet files of a split in a folder and its folders.

    A file's split is what stands before ``-00000-of-00002``, or its name or folder where that is
    a usual split; if no file says one, all are taken.

    Raises:
        DataError: if files say splits, and none this one.
    """
    files = sorted(folder.rglob("*.parquet"))
    splits = {file: _split_of(file, folder) for file in files}
    there = sorted({name for name in splits.values() if name})
    if not there:
        return files
    if split not in there:
        raise DataError(f"{folder} has no split {split!r}; it has {', '.join(there)}")
    return [file for file in files if splits[file] == split]


def _split_of(file: Path, folder: Path) -> str | None:
    match = _PART.fullmatch(file.stem)
    names = [match["split"]] if match else [file.stem]
    names += [parent.name for parent in file.parents if folder in parent.parents]
    return next((name for name in names if name in _SPLITS), None)


class _Group(NamedTuple):
    """One row group: its file, its number there, its first row."""

    file: Path
    number: int
    start: int


class ParquetRows:
    """Rows of Parquet files.

    Args:
        files: at least one, in the order of the rows.

    Raises:
        DataError: as ``open_parquet``.
    """

    remarks: tuple[str, ...] = ()

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)
        self.folder = self.files[0].parent
        self.groups: list[_Group] = []
        self.column_names: list[str] = []
        self.labels: dict[str, list[str]] = {}
        self.count = 0
        for file in self.files:
            self._take_in(file)
        self._starts = [group.start for group in self.groups]
        self._cursors: dict[tuple[str, ...], _Cursor] = {}

    def __len__(self) -> int:
        return self.count

    def __reduce__(self) -> tuple[type["ParquetRows"], tuple[list[Path]]]:
        return ParquetRows, (self.files,)  # an open file does not travel to another process

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns in some rows.

        Raises:
            DataError: if a file is corrupt.
        """
        found = {n: self._row(n, tuple(columns)) for n in sorted(set(numbers))}
        return {
            name: named([found[n][place] for n in numbers], self.labels.get(name))
            for place, name in enumerate(columns)
        }

    def _row(self, number: int, columns: tuple[str, ...]) -> list[Any]:
        if not columns:
            return []
        group = self.groups[bisect_right(self._starts, number) - 1]
        cursor = self._cursors.pop(columns, None)
        if cursor is None or not cursor.leads_to(number, group):
            cursor = _Cursor(group, columns)
        try:
            values = cursor.row(number)
        except (OSError, ValueError) as problem:
            raise DataError(f"{group.file} cannot be read: {one_line(problem)}") from problem
        self._cursors[columns] = cursor
        if len(self._cursors) > _CURSORS:
            del self._cursors[next(iter(self._cursors))]  # the one that was used longest ago
        return values

    def _take_in(self, file: Path) -> None:
        from pyarrow import parquet

        try:
            about = parquet.read_metadata(file)
            schema = about.schema.to_arrow_schema()
        except (OSError, ValueError) as problem:
            raise DataError(f"{file} cannot be read: {one_line(problem)}") from problem
        self.column_names = self.column_names or schema.names
        if sorted(schema.names) != sorted(self.column_names):
            raise DataError(
                f"{file} has the columns {', '.join(schema.names)}, but {self.files[0]} has "
                f"{', '.join(self.column_names)}"
            )
        self.labels |= label_names(schema.metadata)
        sizes = [about.row_group(i).num_rows for i in range(about.num_row_groups)]
        starts = accumulate(sizes, initial=self.count)
        self.groups += [
            _Group(file, i, start)
            for i, (start, size) in enumerate(zip(starts, sizes, strict=False))
            if size
        ]
        self.count += sum(sizes)


class _Cursor:
    """Reads a file onwards from the beginning of a row group."""

    def __init__(self, group: _Group, columns: tuple[str, ...]) -> None:
        self.file, self.columns, self.start = group.file, columns, group.start
        self.values: list[list[Any]] = []
        self._batches = self._read(group)

    def leads_to(self, number: int, group: _Group) -> bool:
        """Return whether going on is the way to a row, rather than beginning at its group."""
        end = self.start + (len(self.values[0]) if self.values else 0)
        ahead = self.start <= number and (group.start <= end)
        return ahead and self.file == group.file

    def row(self, number: int) -> list[Any]:
        """Return the values of a row that lies ahead or in the batch that was read last."""
        while not self.values or number >= self.start + len(self.values[0]):
            self.start += len(self.values[0]) if self.values else 0
            if (batch := next(self._batches, None)) is None:
                raise ValueError("it has fewer rows than it says")
            self.values = [batch.column(name).to_pylist() for name in self.columns]
        return [values[number - self.start] for values in self.values]

    def _read(self, group: _Group) -> Iterator[Any]:
        from pyarrow import parquet

        # By default iter_batches buffers whole row groups, which may be whole files.
        with parquet.ParquetFile(group.file, buffer_size=_BUFFER, pre_buffer=False) as file:
            onwards = range(group.number, file.num_row_groups)
            yield from file.iter_batches(
                _BATCH, row_groups=onwards, columns=list(self.columns), use_threads=False
            )
