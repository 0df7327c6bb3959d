"""Features of a split, kept in a file so that a study that goes on need not read pictures."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from oracle.whole_files import write_whole
from policies.features import current_schema
from policies.reading import Readers, Split, read_split


def cached_split(
    readers: Readers,
    cache: Path,
    *,
    curves: Path,
    data: str,
    split: str,
    choice: object = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Split:
    """Read curves with the features of their samples, from a file where it holds just these.

    Args:
        readers: how files are read.
        cache: the file; written if it is missing or of other samples, data or features.
        curves: file of curves.
        data: the dataset they were measured on.
        split: of the dataset.
        choice: what the user said of the data.
        progress: told how many samples of how many are done, while features are computed.

    Raises:
        DataError: if a file cannot be read, or a sample of the curves is not in the data.
    """
    table = readers.curves(curves)
    ids = [str(name) for name in table.sample_ids]
    key = _key(current_schema().sha256, data, split, repr(choice), *ids)
    known = _read(cache, key)
    if known is not None:
        return Split(table, known, 0.0)
    found = read_split(readers, curves=curves, data=data, split=split, progress=progress)
    write_whole(cache, lambda file: np.savez(file, key=np.array(key), features=found.features))
    return found


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _read(cache: Path, key: str) -> np.ndarray | None:
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return content["features"] if str(content["key"]) == key else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or not ours: it is computed anew
