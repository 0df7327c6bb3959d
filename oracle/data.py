"""Questions about images from wherever they are: a folder, a file, a hub id or a named source."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

SourceLoader = Callable[[str, int | None], "Dataset"]
NEEDED = ("id", "image", "question", "answers")

_SOURCES: dict[str, SourceLoader] = {}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_READERS = {".parquet": "parquet", ".jsonl": "json"}


def register_source(name: str, loader: SourceLoader) -> None:
    """Make ``name`` a word that stands for a dataset; registering again replaces it.

    Args:
        name: the word, e.g. ``"scenes"``.
        loader: maps (split, limit or None) to a dataset; ``limit`` may be taken as a hint.
    """
    _SOURCES[name] = loader


def load_dataset_columns(
    spec: str, split: str | None = None, needed: Sequence[str] = NEEDED, limit: int | None = None
) -> "Dataset":
    """Return a dataset that has the columns ``needed``, with images as RGB PIL images.

    Images are decoded when a row is read, as ``budget.pictures`` shows them. One that cannot be
    read is a ``DataError`` then, which names the data, the row and its id.

    Args:
        spec: a registered word, a folder written by ``datasets.save_to_disk``, a ``.parquet`` or
            ``.jsonl`` file, or a hub id ``owner/name``. Images in files may be bytes or paths
            (relative to the file).
        split: which split, where there are several; ``None`` means ``"test"``. A file or folder
            with one dataset has no splits and is taken whole.
        needed: columns that must be there; further columns are kept.
        limit: samples taken from the front, ``None`` for all.

    Raises:
        DataError: if there is no such data or split, or a column is missing or of a wrong type.
    """
    if limit is not None and limit < 1:
        raise DataError(f"the number of samples must be at least 1, got {limit}")
    dataset = _open(spec, split or "test", limit)
    if missing := [name for name in needed if name not in dataset.column_names]:
        raise DataError(
            f"{spec} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has {', '.join(dataset.column_names)}"
        )
    if limit is not None:
        dataset = dataset.select(range(min(limit, len(dataset))))
    if not len(dataset):
        raise DataError(f"{spec} has no rows")
    folder = Path(spec).parent if Path(spec).is_file() else Path()
    return _typed(dataset, spec, needed, folder)


def _open(spec: str, split: str, limit: int | None) -> "Dataset":
    if spec in _SOURCES:
        try:
            return _SOURCES[spec](split, limit)
        except (KeyError, ValueError) as problem:
            raise DataError(f"{spec}: {problem}") from problem
    path = Path(spec)
    if path.is_dir():
        return _open_folder(path, split)
    if path.is_file():
        return _open_file(path)
    if path.suffix in _READERS or path.is_absolute() or not _HUB_ID.fullmatch(spec):
        words = f"; known words are {', '.join(sorted(_SOURCES))}" if _SOURCES else ""
        raise DataError(f"no such data: {spec!r} is no file, folder or hub id owner/name{words}")
    return _open_hub(spec, split)


def _open_folder(path: Path, split: str) -> "Dataset":
    from datasets import DatasetDict, load_from_disk

    if not any((path / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
        raise DataError(f"{path} is no folder that datasets.save_to_disk wrote")
    try:
        found = load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(found, DatasetDict):
        return found
    if split not in found:
        raise DataError(f"{path} has no split {split!r}; it has {', '.join(found)}")
    return found[split]


def _open_file(path: Path) -> "Dataset":
    from datasets import Dataset
    from datasets.exceptions import DatasetGenerationError

    if path.suffix not in _READERS:
        raise DataError(f"{path} must end in {' or '.join(_READERS)}, got {path.suffix!r}")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty")
    read: Callable[[str], Dataset] = getattr(Dataset, f"from_{_READERS[path.suffix]}")
    try:
        return read(str(path))
    except (DatasetGenerationError, OSError, ValueError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem


def _open_hub(spec: str, split: str) -> "Dataset":
    from datasets import load_dataset

    try:
        return load_dataset(spec, split=split)
    except Exception as problem:  # the hub's client raises dozens of kinds
        raise DataError(f"{spec} ({split}) cannot be loaded from the hub: {problem}") from problem


def _typed(dataset: "Dataset", spec: str, needed: Sequence[str], folder: Path) -> "Dataset":
    """Cast ids to text and images to RGB; refuse answers that are no list of texts."""
    from datasets import Image, Value

    from oracle.image_column import show_images

    if "id" in needed:
        dataset = dataset.cast_column("id", Value("string"))
    if "image" in needed:
        kind = dataset.features["image"]
        if not isinstance(kind, Image) and _dtype(kind) in ("string", "large_string"):
            dataset = _with_absolute_paths(dataset, spec, folder)
        dataset = show_images(dataset, spec)
    if "answers" in needed and _dtype(
        getattr(dataset.features["answers"], "feature", None)
    ) not in (
        "string",
        "large_string",
    ):
        raise DataError(
            f"{spec}: answers must be a list of texts, got {dataset.features['answers']}"
        )
    return dataset


def _with_absolute_paths(dataset: "Dataset", spec: str, folder: Path) -> "Dataset":
    names = dataset["image"][:]
    if None in names:
        raise DataError(f"{spec}, row {names.index(None)}: no image")
    paths = [str((folder / name).resolve()) for name in names]
    if missing := [path for path in paths if not Path(path).is_file()]:
        raise DataError(f"{spec}: {len(missing)} images are missing, first: {missing[0]}")
    return dataset.remove_columns("image").add_column("image", paths)


def _dtype(feature: Any) -> str:
    return str(getattr(feature, "dtype", ""))
