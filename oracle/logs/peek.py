"""What the beginning of a log shows, whatever its name says."""

import json
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from budget.errors import DataError
from oracle.logs.lines import json_file, json_lines, numbered_lines
from oracle.logs.tables import columns_of

_XLSX = b"PK\x03\x04"
_PICKLE = b"\x80"


class Peek(NamedTuple):
    """What a log shows.

    Attributes:
        kind: "jsonl", "json", "csv", "tsv", "xlsx" or "folder".
        fields: names in its first record, or of its columns.
    """

    kind: str
    fields: tuple[str, ...]


def look_at(path: Path) -> Peek:
    """Return what the beginning of a log shows.

    Raises:
        DataError: if there is nothing, or neither text nor xlsx.
    """
    if path.is_dir():
        return Peek("folder", _features(path))
    kind = _kind(path)
    if kind == "jsonl":
        fields = tuple(next(json_lines(path))[1])
        # One object with all samples in it may stand on one line.
        return Peek("json" if "logs" in fields else kind, fields)
    if kind == "object":
        return Peek("json", tuple(json_file(path)))
    return Peek(kind, tuple(columns_of(path, kind)))


def _kind(path: Path) -> str:
    if path.is_file():
        with path.open("rb") as file:
            magic = file.read(len(_XLSX))
        if magic == _XLSX:
            return "xlsx"
        if magic.startswith(_PICKLE):
            raise DataError(f"{path} is a pickle, which is never loaded; write it as tsv or json")
    lines = (line.strip() for _, line in islice(numbered_lines(path), 1000))
    head = next((line for line in lines if line), "")
    if head.startswith("["):
        return "json"
    if head.startswith("{"):
        return "object" if head == "{" else "jsonl"
    return "tsv" if "\t" in head else "csv"


def _features(folder: Path) -> tuple[str, ...]:
    """Return the columns of a folder that ``datasets.save_to_disk`` wrote; none of another."""
    info = folder / "dataset_info.json"
    if not info.is_file():
        return ()
    try:
        features = json.loads(info.read_text(encoding="utf-8")).get("features")
    except (OSError, ValueError, AttributeError) as problem:
        raise DataError(f"{info} cannot be read: {problem}") from problem
    return tuple(features or ())
