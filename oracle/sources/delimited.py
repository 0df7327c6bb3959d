"""Tables of text, CSV and TSV, and VLMEvalKit's, whose images may be other rows' images."""

import csv
from array import array
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.tables import long_cells
from oracle.sources.rows import Rows
from oracle.sources.text_rows import TextRows

_LONGEST_REFERENCE = 64  # VLMEvalKit: a shorter image is the index of a row that has one


def open_delimited(path: Path, delimiter: str) -> Rows:
    """Return the rows below the heading of a table; all values are texts.

    A table with columns ``index`` and ``image`` is read as VLMEvalKit reads it: an image of at
    most 64 characters that is the index of another row stands for that row's image.

    Raises:
        DataError: if the file is no table, or a row has not one cell a column.
    """
    offsets, header = array("Q"), list[str]()
    images: dict[str, int] = {}
    place: tuple[int, int] | None = None
    with long_cells(), closing(_records(path, delimiter)) as records:
        for start, cells in records:
            offsets.append(start)
            if not header:
                header = cells
                if {"index", "image"} <= set(header):
                    place = header.index("index"), header.index("image")
            elif place and len(cells[place[1]]) > _LONGEST_REFERENCE:
                images[cells[place[0]]] = len(offsets) - 2
    if len(offsets) < 2:
        raise DataError(f"{path} has no rows")
    del offsets[0]
    offsets.append(path.stat().st_size)
    rows = TextRows(path, offsets, Parser(header, delimiter), header)
    return ReferringRows(rows, images) if images else rows


class Parser:
    """Parses one row of a table.

    Args:
        header: the names of its columns.
        delimiter: what stands between cells.
    """

    def __init__(self, header: list[str], delimiter: str) -> None:
        self.header = header
        self.delimiter = delimiter

    def __call__(self, text: str) -> dict[str, Any]:
        """Return the cells by column."""
        with long_cells():
            lines = StringIO(text, newline="\n")
            cells = next(csv.reader(lines, delimiter=self.delimiter, strict=True))
        return dict(zip(self.header, cells, strict=True))


class ReferringRows:
    """Rows some of whose images are the index of another row.

    Args:
        rows: the rows as they stand.
        images: the row that has the image of an index.
    """

    remarks: tuple[str, ...] = ()

    def __init__(self, rows: Rows, images: dict[str, int]) -> None:
        self.rows = rows
        self.images = images
        self.column_names = rows.column_names
        self.folder = rows.folder

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns, every image as itself."""
        found = self.rows.read(numbers, columns)
        if "image" in found:
            found["image"] = [self._image(value) for value in found["image"]]
        return found

    def _image(self, value: str) -> Any:
        if value not in self.images:
            return value
        return self.rows.read([self.images[value]], ["image"])["image"][0]


def _records(path: Path, delimiter: str) -> Generator[tuple[int, list[str]]]:
    """Yield (where it begins, cells) of every row that is not blank, the heading first."""
    position = 0

    def lines() -> Iterator[str]:
        nonlocal position
        with path.open("rb") as file:
            for raw in file:
                position += len(raw)
                yield raw.decode("utf-8-sig" if position == len(raw) else "utf-8")

    start, width = 0, 0
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                _check_width(cells, width, f"{path}, line {reader.line_num}")
                width = width or len(cells)
                yield start, cells
            start = position
    except (csv.Error, UnicodeDecodeError) as problem:
        raise DataError(f"{path}, line {reader.line_num + 1}: {problem}") from problem


def _check_width(cells: list[str], width: int, where: str) -> None:
    if width and len(cells) != width:
        raise DataError(f"{where}: {len(cells)} cells where the heading has {width}")
    if not width and len(set(cells)) < len(cells):
        twice = sorted({name for name in cells if cells.count(name) > 1})
        raise DataError(f"{where}: the columns {', '.join(twice)} are there twice")
