"""Folders that ``datasets.save_to_disk`` wrote."""

from pathlib import Path

from budget.errors import DataError
from oracle.sources.arrow import ArrowRows

_MARKS = ("dataset_dict.json", "state.json")


def is_saved_folder(path: Path) -> bool:
    """Return whether ``datasets.save_to_disk`` wrote a folder."""
    return any((path / mark).is_file() for mark in _MARKS)


def open_saved_folder(path: Path, split: str) -> ArrowRows:
    """Return the rows of a split, or of the one dataset that the folder holds.

    Raises:
        DataError: if the folder cannot be read or has no such split.
    """
    from datasets import DatasetDict, load_from_disk

    try:
        found = load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(found, DatasetDict):
        return ArrowRows(found, Path())
    if split not in found:
        raise DataError(f"{path} has no split {split!r}; it has {', '.join(found)}")
    return ArrowRows(found[split], Path())
