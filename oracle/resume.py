"""A sweep that survives a kill: part files, each written whole or not at all, and a manifest."""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError
from oracle.curves import Curves, concatenate, read_curves, read_metadata, write_curves
from oracle.scoring import get_scorer
from oracle.sweep import Progress, check_dataset, sweep

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import MatryoshkaVLM

_PINNED = ("model", "ladder", "scorer", "data", "max_new_tokens", "batch_size")


def fingerprint(dataset: "Dataset") -> str:
    """Return a hash of the ids, questions, answers and options, in order; images are not read."""
    digest = hashlib.sha256()
    columns = ("id", "question", "answers", "options")
    there = [name for name in columns if name in dataset.column_names]
    for row in dataset.select_columns(there):
        line = [row[name] for name in there]
        digest.update(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def sweep_to(
    path: str | Path,
    model: "MatryoshkaVLM",
    dataset: "Dataset",
    *,
    scorer: str = "exact",
    batch_size: int = 64,
    max_new_tokens: int = 8,
    chunk_size: int = 512,
    progress: Progress | None = None,
) -> Curves:
    """Sweep into a Parquet file, picking up where a killed run left off.

    Parts of ``chunk_size`` samples collect in the folder ``<path>.parts`` beside a manifest that
    pins the model's name, its ladder, the scorer, ``max_new_tokens``, batch and chunk size and
    the dataset's fingerprint. At the end they are joined into ``path`` and removed. A ``path`` that
    the same sweep already finished is read, not run again.

    Args:
        path: Parquet file to write.
        model: see ``sweep``, like the arguments not named here.
        dataset: see ``sweep``.
        scorer: see ``sweep``.
        batch_size: see ``sweep``.
        max_new_tokens: see ``sweep``.
        chunk_size: samples per part file, what a kill can cost at most.
        progress: called with (answers done, answers in all), finished parts included.

    Raises:
        DataError: if ``path`` or its parts belong to another sweep; names what differs.
        ValueError: as ``sweep``, or if the chunk size is below 1.
    """
    if chunk_size < 1:
        raise ValueError(f"chunk_size must be at least 1, got {chunk_size}")
    get_scorer(scorer)
    check_dataset(dataset)
    target = Path(path)
    about = {
        "model": model.name,
        "ladder": list(model.ladder),
        "scorer": scorer,
        "data": fingerprint(dataset),
        "max_new_tokens": max_new_tokens,
        "batch_size": batch_size,
    }
    if target.exists():
        _refuse_other(target, read_metadata(target), about, _PINNED)
        _remove(_folder_of(target))  # left if the kill came between the last two steps
        return read_curves(target)
    folder = _parts_folder(target, {**about, "chunk_size": chunk_size})
    n, k = len(dataset), len(model.ladder)
    parts = []
    for start in range(0, n, chunk_size):
        rows = range(start, min(start + chunk_size, n))
        part = folder / f"part-{start:08d}.parquet"
        if not part.exists():
            options: dict[str, Any] = {"scorer": scorer, "batch_size": batch_size}
            curves = sweep(
                model,
                dataset.select(rows),
                max_new_tokens=max_new_tokens,
                progress=_shifted(progress, start * k, n * k),
                **options,
            )
            write_curves(part, curves, about)
        parts.append(part)
    whole = concatenate([read_curves(part) for part in parts])
    write_curves(target, whole, about)
    _remove(folder)
    return whole


def _parts_folder(target: Path, manifest: dict[str, Any]) -> Path:
    """Return the folder for parts, made with its manifest or found with an equal one."""
    folder = _folder_of(target)
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "manifest.json"
    if home.exists():
        found = json.loads(home.read_text(encoding="utf-8"))
        _refuse_other(folder, found, manifest, (*_PINNED, "chunk_size"))
        return folder
    unfinished = folder / f"manifest.json.{os.getpid()}.tmp"
    unfinished.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    os.replace(unfinished, home)
    return folder


def _refuse_other(
    place: Path, found: dict[str, Any], wanted: dict[str, Any], keys: tuple[str, ...]
) -> None:
    differ = [
        f"{key} {found.get(key)!r} instead of {wanted[key]!r}"
        for key in keys
        if found.get(key) != wanted[key]
    ]
    if differ:
        raise DataError(
            f"{place} belongs to another sweep: {'; '.join(differ)}. "
            "Give another file, or remove it first"
        )


def _folder_of(target: Path) -> Path:
    return target.with_name(target.name + ".parts")


def _remove(folder: Path) -> None:
    """Remove what this module wrote, and the folder if nothing else is in it."""
    for pattern in ("part-*.parquet", "manifest.json", "*.tmp"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _: progress(before + done, total)
