"""Columns of a file of results: CSV, TSV, Parquet, JSON lines, or a JSON list of objects.

Only the columns that are asked for are kept: the answers of eleven models are most of such a file.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from budget.errors import DataError, one_line

_LEGAL = "legal are .csv, .tsv, .parquet, .jsonl and .json"
_PICKLES = (".pkl", ".pickle")
_MAX_CELL = 2**27  # characters; the csv module's own limit is 128 KB


def column_names(path: Path) -> list[str]:
    """Return the names of the columns.

    Raises:
        DataError: if the file is missing, of an unknown kind, no table, empty, or has a column
            twice.
    """
    with _one_line_of(path):
        if _kind(path) == ".parquet":
            names = list(_parquet(path).schema_arrow.names)
        elif _kind(path) == ".json":
            names = list(_objects(path)[0])
        elif _kind(path) == ".jsonl":
            names = list(next(_json_lines(path), {}))
        else:
            with _csv_rows(path) as rows:
                names = next(rows, [])
    if not names:
        raise DataError(f"{path} is empty")
    if repeated := {name for name in names if names.count(name) > 1}:
        raise DataError(f"{path}: the columns {', '.join(sorted(repeated))} are there twice")
    return names


def read_columns(path: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return the values of some columns, row by row; what is missing is None or "".

    Args:
        path: the file.
        names: columns that are there.

    Raises:
        DataError: if the file cannot be read, or has no rows.
    """
    with _one_line_of(path):
        if _kind(path) == ".parquet":
            table = _parquet(path).read(columns=list(names))
            values = {name: table.column(name).to_pylist() for name in names}
        elif _kind(path) in (".json", ".jsonl"):
            rows = _objects(path) if _kind(path) == ".json" else _json_lines(path)
            values = _by_column(rows, names)
        else:
            values = _csv_columns(path, names)
    if not values[names[0]]:
        raise DataError(f"{path} has no rows")
    return values


def _kind(path: Path) -> str:
    if path.is_dir():
        raise DataError(f"{path} is a folder; a table is one file, {_LEGAL}")
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise DataError(
            f"{path} is a pickle, which can run code and is not read; where that is no matter, "
            "turn it into Parquet first: pandas.read_pickle(...).to_parquet(...)"
        )
    suffix = ".jsonl" if suffix == ".ndjson" else suffix
    if suffix not in (".csv", ".tsv", ".parquet", ".jsonl", ".json"):
        raise DataError(f"{path} is of no kind that holds a table; {_LEGAL}")
    return suffix


@contextmanager
def _one_line_of(path: Path) -> Iterator[None]:
    """Turn what readers say of a file that they cannot read into one line."""
    from pyarrow.lib import ArrowException

    try:
        yield
    except OSError as problem:
        reason = problem.strerror or one_line(problem)
        raise DataError(f"{path} cannot be read: {reason}") from problem
    except (ArrowException, csv.Error, UnicodeDecodeError, RecursionError) as problem:
        raise DataError(f"{path} cannot be read: {one_line(problem)[:200]}") from problem


def _parquet(path: Path) -> Any:
    from pyarrow.parquet import ParquetFile

    return ParquetFile(path)


@contextmanager
def _csv_rows(path: Path) -> Iterator[Iterator[list[str]]]:
    before = csv.field_size_limit(_MAX_CELL)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
            yield csv.reader(file, delimiter=delimiter, strict=True)
    finally:
        csv.field_size_limit(before)


def _csv_columns(path: Path, names: Sequence[str]) -> dict[str, list[Any]]:
    with _csv_rows(path) as rows:
        header = next(rows)
        places = [header.index(name) for name in names]
        values: dict[str, list[Any]] = {name: [] for name in names}
        for number, cells in enumerate(rows, start=1):
            if cells and len(cells) != len(header):
                raise DataError(
                    f"{path}, row {number}: {len(cells)} cells where the heading has {len(header)}"
                )
            for name, place in zip(names, places, strict=True):
                if cells:
                    values[name].append(cells[place])
    return values


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _object(_parsed(line, f"{path}, line {number}"), f"{path}, line {number}")


def _objects(path: Path) -> list[Mapping[str, Any]]:
    value = _parsed(path.read_text(encoding="utf-8-sig"), str(path))
    if not isinstance(value, list) or not value:
        raise DataError(f"{path} must hold a list of objects, got {type(value).__name__}")
    return [_object(row, f"{path}, row {number}") for number, row in enumerate(value, start=1)]


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as problem:
        raise DataError(f"{where}: no JSON: {problem}") from problem


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: must be an object, got {type(value).__name__}")
    return value


def _by_column(rows: Any, names: Sequence[str]) -> dict[str, list[Any]]:
    values: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name in names:
            values[name].append(row.get(name))
    return values
