"""Folders of images beside a ``metadata`` table that names them, as ``datasets`` has them.

    pictures/metadata.jsonl   {"file_name": "0.png", "question": ..., "answers": [...]}
    pictures/0.png

With splits, every split is such a folder.
"""

from pathlib import Path

from budget.errors import DataError

_TABLES = ("metadata.jsonl", "metadata.csv", "metadata.parquet")


def find_metadata(folder: Path, split: str) -> Path | None:
    """Return the table of a folder of images, or of its split; None if there is none.

    Raises:
        DataError: if there are splits, and none is this one.
    """
    if table := _table_in(folder):
        return table
    splits = {child.name: _table_in(child) for child in sorted(folder.iterdir()) if child.is_dir()}
    there = {name: table for name, table in splits.items() if table}
    if there and split not in there:
        raise DataError(f"{folder} has no split {split!r}; it has {', '.join(there)}")
    return there.get(split)


def _table_in(folder: Path) -> Path | None:
    return next((folder / name for name in _TABLES if (folder / name).is_file()), None)
