"""Parquet files of curves, and what stands in their schema's metadata."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ABOUT_KEY = b"matryoshka_budget"
ERRORS_KEY = b"matryoshka_budget_errors"


def open_parquet(path: Path) -> "pq.ParquetFile":
    """Open a file; what it holds is not read yet.

    Raises:
        DataError: if there is no such file or it is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DataError(f"no such file of curves: {path}")
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as problem:
        raise DataError(f"{path} is no Parquet file: {problem}") from problem


def read_parquet(path: Path, columns: list[str] | None = None) -> "pa.Table":
    """Return some or all columns of a file.

    Raises:
        DataError: if there is no such file, or it is no Parquet file or a damaged one.
    """
    import pyarrow as pa

    try:
        return open_parquet(path).read(columns=columns)
    except (pa.ArrowException, OSError) as problem:
        raise DataError(f"{path} is damaged: {problem}") from problem


def said(schema: "pa.Schema", key: bytes, default: Any) -> Any:
    """Return the JSON value under a key of a schema's metadata."""
    raw = (schema.metadata or {}).get(key)
    return default if raw is None else json.loads(raw)
