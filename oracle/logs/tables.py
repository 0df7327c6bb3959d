"""Tables as rows of named values: CSV, TSV, lists of JSON objects and Excel's xlsx."""

import csv
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.lines import MAX_LINE_BYTES, json_file, numbered_lines
from oracle.logs.rows import place

Row = tuple[int, dict[str, Any]]


def read_table(path: Path, kind: str) -> list[Row]:
    """Return (line or row of the sheet, values by column) of every row below the heading.

    Args:
        path: the file.
        kind: "csv", "tsv", "json" or "xlsx".

    Raises:
        DataError: if the file cannot be read or has no rows; names the line.
    """
    if not (rows := list(_rows(path, kind))):
        raise DataError(f"{path} has no rows")
    return rows


def columns_of(path: Path, kind: str) -> list[str]:
    """Return the names of a table's columns without reading the whole of it, JSON excepted.

    Raises:
        DataError: as ``read_table``.
    """
    with closing(_rows(path, kind)) as rows:
        for _, record in rows:
            return list(record)
    raise DataError(f"{path} has no rows")


def _rows(path: Path, kind: str) -> Generator[Row]:
    if kind == "json":
        return _json_rows(path)
    if kind == "xlsx":
        return _xlsx_rows(path)
    return _delimited_rows(path, "\t" if kind == "tsv" else ",")


def _delimited_rows(path: Path, delimiter: str) -> Generator[Row]:
    header: list[str] = []
    with long_cells():
        lines = (line for _, line in numbered_lines(path))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                where = place(path, reader.line_num)
                if not header:
                    header = _unique(cells, where)
                elif cells and len(cells) != len(header):
                    raise DataError(
                        f"{where}: {len(cells)} cells where the heading has {len(header)}; a last "
                        "row like this was cut off"
                    )
                elif cells:
                    yield reader.line_num, dict(zip(header, cells, strict=True))
        except csv.Error as problem:
            raise DataError(f"{place(path, reader.line_num)}: {problem}") from problem


@contextmanager
def long_cells() -> Iterator[None]:
    """Let cells be as long as lines may be; the module's own limit is 128 KB, for all readers."""
    before = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _json_rows(path: Path) -> Generator[Row]:
    value = json_file(path)
    if not isinstance(value, list):
        raise DataError(f"{path} must hold a list of objects, got {type(value).__name__}")
    for number, row in enumerate(value, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {number}: must be an object, got {type(row).__name__}")
        yield number, row


def _xlsx_rows(path: Path) -> Generator[Row]:
    try:
        from openpyxl import load_workbook
    except ImportError as problem:
        raise DataError(
            f"{path}: reading xlsx needs openpyxl: pip install 'matryoshka-budget[logs]'"
        ) from problem
    header: list[str] = []
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        with closing(book):
            for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
                if not header:
                    header = ["" if cell is None else str(cell) for cell in cells]
                elif any(cell is not None for cell in cells):
                    yield number, dict(zip(header, cells, strict=False))
    except Exception as problem:  # zip, XML and the workbook each fail in their own ways
        raise DataError(f"{path} is no xlsx file that can be read: {problem}") from problem


def _unique(header: list[str], where: str) -> list[str]:
    repeated = {name for name in header if header.count(name) > 1}
    if repeated:
        raise DataError(f"{where}: the columns {', '.join(sorted(repeated))} are there twice")
    return header
