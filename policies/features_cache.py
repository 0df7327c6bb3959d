"""What is derived of a dataset's samples, computed once: plain arrays in a folder, no pickle."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from policies.features import current_schema
from policies.hull import FloatArray
from policies.reading import CurveTable, Readers, Split, features_of, rows_of

Progress = Callable[[int, int], object]
Arrays = Mapping[str, NDArray[Any]]


class SampleSource:
    """Features and hidden columns of a dataset's samples, kept in a folder if there is one.

    A file is known by the dataset's name (of a file on disk also its size and time of change), the
    split, how the columns were chosen and, for features, their schema. One that lacks a sample or
    cannot be used is written anew.

    Args:
        readers: how files are read.
        data: the dataset.
        hidden: columns of the dataset that no policy sees, numbers for analysis only.
        folder: where what was computed is kept; ``None`` keeps nothing.
        choice: whatever else says how the dataset is read; its text is part of the key.
    """

    def __init__(
        self,
        readers: Readers,
        data: str,
        *,
        hidden: Sequence[str] = (),
        folder: Path | None = None,
        choice: object = None,
    ) -> None:
        self.data, self.hidden, self.folder = data, tuple(hidden), folder
        self._choice = choice
        self._open = cache(readers.data)  # a generated dataset takes long to come into being

    def features(
        self, curves: CurveTable, split: str, progress: Progress = lambda done, total: None
    ) -> Split:
        """Return the features of the curves' samples.

        Args:
            curves: whose samples.
            split: of the dataset.
            progress: told how many samples of how many are done.

        Raises:
            DataError: if the data cannot be read, or a sample of the curves is not in them.
        """
        wanted = [str(name) for name in curves.sample_ids]

        def compute() -> Arrays:
            dataset, rows = self._rows(wanted, split)
            features, feature_ms = features_of(dataset, rows, progress)
            return {
                "ids": np.array(wanted),
                "features": features,
                "feature_ms": np.array(feature_ms),
            }

        kept = self._kept(f"features {current_schema().sha256}", split, wanted, compute)
        return Split(curves, self._pick(kept, "features", wanted), float(kept["feature_ms"]))

    def hidden_columns(self, curves: CurveTable, split: str) -> dict[str, FloatArray]:
        """Return the hidden columns of the curves' samples by name, shape [n] each.

        Raises:
            DataError: if there is no such column, it does not hold numbers, or a sample is not in
                the data.
        """
        wanted = [str(name) for name in curves.sample_ids]

        def compute() -> Arrays:
            dataset, rows = self._rows(wanted, split)
            columns = [_numbers(dataset, name)[rows] for name in self.hidden]
            return {"ids": np.array(wanted), "hidden": np.column_stack(columns)}

        kept = self._kept(f"hidden {self.hidden}", split, wanted, compute)
        return dict(zip(self.hidden, self._pick(kept, "hidden", wanted).T, strict=True))

    def _rows(self, wanted: Sequence[str], split: str) -> tuple[Any, list[int]]:
        dataset = self._open(self.data, split, ("id", "image", "question", *self.hidden))
        return dataset, rows_of(wanted, dataset["id"], f"{self.data} ({split})")

    def _pick(self, kept: Arrays, name: str, wanted: Sequence[str]) -> FloatArray:
        picked: FloatArray = kept[name][rows_of(wanted, kept["ids"].tolist(), self.data)]
        return picked

    def _kept(
        self, what: str, split: str, wanted: Sequence[str], compute: Callable[[], Arrays]
    ) -> Arrays:
        if self.folder is None:
            return compute()
        file = Path(self.data)
        state = file.stat() if file.exists() else None
        about = [what, self.data, split, repr(self._choice)]
        about += [str(state.st_size), str(state.st_mtime_ns)] if state else []
        key = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:24]
        path = self.folder / f"{what.split()[0]}-{key}.npz"
        found = _load(path)
        if found is None or not set(wanted) <= set(found["ids"].tolist()):
            found = compute()
            _save(path, found)
        return found


def _numbers(dataset: Any, name: str) -> FloatArray:
    try:
        return np.asarray(dataset[name][:], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"hidden column {name!r} must hold numbers: {error}") from error


def _load(path: Path) -> Arrays | None:
    """Return what is kept, or nothing if there is no such file or it is not whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            found = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, EOFError, BadZipFile):
        return None
    tables = [found.get("features"), found.get("hidden")]
    whole = any(t is not None and len(t) == len(found.get("ids", ())) for t in tables)
    return found if whole else None


def _save(path: Path, kept: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")  # whole or not at all
    with part.open("wb") as file:
        np.savez(file, allow_pickle=False, **kept)
    part.replace(path)
