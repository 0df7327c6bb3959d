"""Questions about images by row number, made when they are asked for."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from budget.errors import DataError
from oracle.sample_reader import SampleReader
from oracle.sources.rows import Rows

Numbers = Sequence[int]
_AT_ONCE = 256  # rows, where a whole column is gone through


class QuestionTable:
    """Samples of data of any kind, of which only those being read are in memory.

    A row is a dict, a slice or a list of row numbers a dict of lists, a name a column, as in
    ``datasets``. Images are RGB images of PIL, as ``budget.pictures`` shows them: one, a list
    where a sample has several, None where it has none.

    Args:
        rows: raw values.
        reader: makes samples of them.
        spec: what errors call the data.
        numbers: which rows, ``None`` for all.
        names: which columns, ``None`` for all.
        first: number that errors give the first row of ``rows``.
    """

    def __init__(
        self,
        rows: Rows,
        reader: SampleReader,
        spec: str,
        numbers: Numbers | None = None,
        names: Sequence[str] | None = None,
        first: int = 0,
    ) -> None:
        self.rows = rows
        self.reader = reader
        self.spec = spec
        self.numbers = range(len(rows)) if numbers is None else numbers
        self.column_names = list(reader.column_names if names is None else names)
        self.first = first

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def num_rows(self) -> int | None:
        """How many rows there are; of a stream it is unknown."""
        return len(self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, key: str) -> "Column": ...
    @overload
    def __getitem__(self, key: int | slice | Numbers) -> dict[str, Any]: ...
    def __getitem__(self, key: Any) -> Any:
        """Return a row, the columns of several rows, or a column of all rows.

        Raises:
            DataError: if a row cannot be read; names the data, the row and its id.
        """
        if isinstance(key, str):
            return Column(self.select_columns([key]), key)
        if isinstance(key, slice):
            return self._read(self.numbers[key])
        if isinstance(key, Sequence):
            return self._read(pick(self.numbers, key))
        return {name: values[0] for name, values in self._read([self.numbers[key]]).items()}

    def select(self, indices: Numbers) -> "QuestionTable":
        """Return a table of some of the rows."""
        return self._like(pick(self.numbers, indices), self.column_names)

    def select_columns(self, names: str | Sequence[str]) -> "QuestionTable":
        """Return a table of some of the columns.

        Raises:
            KeyError: if one is not there.
        """
        names = [names] if isinstance(names, str) else list(names)
        if absent := [name for name in names if name not in self.column_names]:
            raise KeyError(f"{self.spec} has no column {', '.join(absent)}")
        return self._like(self.numbers, names)

    def chunks(self, size: int, start: int = 0) -> Iterator["QuestionTable"]:
        """Yield tables of ``size`` rows, the last perhaps shorter, from the row ``start`` on."""
        for begin in range(start, len(self), size):
            yield self.select(range(begin, min(begin + size, len(self))))

    def raw_images(self, indices: Numbers) -> list[list[Any]]:
        """Return what rows hold of their images, not decoded: bytes, texts, or dicts of both.

        Raises:
            DataError: if a row cannot be read.
        """
        names = self.reader.raw_columns(["image"])
        raw = self.rows.read(pick(self.numbers, indices), names)
        return [
            self.reader.images({name: raw[name][i] for name in names}) for i in range(len(indices))
        ]

    def _like(self, numbers: Numbers, names: Sequence[str]) -> "QuestionTable":
        return QuestionTable(self.rows, self.reader, self.spec, numbers, names, self.first)

    def _read(self, numbers: Numbers) -> dict[str, list[Any]]:
        raw_names = self.reader.raw_columns(self.column_names)
        raw = self.rows.read(numbers, raw_names)
        made: dict[str, list[Any]] = {name: [] for name in self.column_names}
        for i, number in enumerate(numbers):
            row = {name: raw[name][i] for name in raw_names}
            try:
                for name, values in made.items():
                    values.append(self.reader.value(name, row, self.first + number))
            except DataError as problem:
                raise DataError(f"{self._name_of(number)}: {problem}") from problem
        return made

    def _name_of(self, number: int) -> str:
        """Return what errors call a row: the data, the row's number, and its id if it has one."""
        where = f"{self.spec}, row {self.first + number}"
        names = self.reader.columns.names.get("id")
        if not names:
            return where
        return f"{where} (id {str(self.rows.read([number], names)[names[0]][0])!r})"


class Column(Sequence[Any]):
    """One column of a table, read a few hundred rows at a time.

    Args:
        table: with this column alone.
        name: of the column.
    """

    def __init__(self, table: QuestionTable, name: str) -> None:
        self.table = table
        self.name = name

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[Any]:
        for chunk in self.table.chunks(_AT_ONCE):
            yield from chunk[:][self.name]

    def __getitem__(self, key: Any) -> Any:
        """Return one value, or the values of a slice or of a list of row numbers."""
        return self.table[key][self.name]


def pick(numbers: Numbers, indices: Numbers) -> Numbers:
    """Return ``numbers`` at ``indices``, as a range where both are ranges.

    Example:
        >>> pick(range(100, 200), range(5, 8)), pick([3, 1, 2], [2, -1, 0])
        (range(105, 108), [2, 2, 3])
    """
    if isinstance(indices, range) and isinstance(numbers, range):
        inside = not indices or 0 <= min(indices) <= max(indices) < len(numbers)
        if inside and indices.step > 0:
            return numbers[indices.start : indices.stop : indices.step]
    return [numbers[i] for i in indices]
