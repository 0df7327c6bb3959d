"""What a run was made of, in its folder's ``manifest.json``; another run is not mixed in."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError
from oracle.fingerprint import fingerprint
from oracle.question_stream import QuestionStream
from oracle.run_folder import lock
from oracle.run_folder.identity import code_version, weights_hash
from oracle.whole_files import write_whole

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import MatryoshkaVLM

NAME = "manifest.json"
# What a run is made of: another value of any of these is another run.
PINNED = (
    "model",
    "weights",
    "ladder",
    "device",
    "dtype",
    "data",
    "samples",
    "scorer",
    "max_new_tokens",
    "batch_size",
)
# Pinned too, but said only where a run was not asked for one greedy answer.
ANSWERING = ("rollouts", "temperature", "seed", "closed", "normalise_length", "image_split")
# Said beside them, in words, and not compared.
NOTES = ("image_split_note",)
# Pinned too, but said only of a model that is served elsewhere: where, and how it is asked.
SERVED = "served"


def describe(
    model: "MatryoshkaVLM",
    dataset: "QuestionStream | Dataset",
    files: Path | None,
    **settings: Any,
) -> dict[str, Any]:
    """Return what a run is made of: the values of ``PINNED``, ``ANSWERING`` and ``SERVED``.

    Args:
        model: what is run.
        dataset: what it is run on; of a stream the number of samples is None.
        files: folder of the model's files, which are hashed; without one the model's name stands
            for its weights.
        settings: scorer, max_new_tokens (None where nothing is generated) and batch_size; of
            ``ANSWERING`` what applies.
    """
    device, served = getattr(model, "device", None), getattr(model, SERVED, None)
    return {
        "model": model.name,
        "weights": model.name if files is None else weights_hash(files),
        "ladder": list(model.ladder),
        "device": None if device is None else str(device).partition(":")[0],
        "dtype": _dtype(model),
        "data": fingerprint(dataset),
        "samples": dataset.num_rows,
        **({} if served is None else {SERVED: dict(served)}),
        **settings,
    }


def open_manifest(folder: Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a folder's manifest, made if there is none; this code's version is noted in it.

    Args:
        folder: a run's, or empty but for a lock.
        wanted: what ``describe`` returns.

    Raises:
        DataError: if the folder is another run's, or holds something else.
    """
    refuse_strangers(folder)
    found = read_manifest(folder)
    if found is None:
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        found = {**wanted, "begun": begun, "versions": []}
    refuse_other(folder, found, wanted)
    if code_version() not in found["versions"]:
        found["versions"].append(code_version())
        write_manifest(folder, found)
    return found


def refuse_strangers(folder: Path) -> None:
    """Refuse a folder that holds something but no run; one that is not there is fine.

    Raises:
        DataError: names one of the things.
    """
    if folder.is_dir() and not (folder / NAME).is_file():
        names = (path.name for path in folder.iterdir())
        if strangers := sorted(n for n in names if n != lock.NAME and not n.startswith(f"{NAME}.")):
            raise DataError(
                f"{folder} is not empty and no run of the oracle (it has no {NAME}, but "
                f"{strangers[0]}); give a new folder"
            )


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a folder's manifest, whole or not at all."""
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    write_whole(folder / NAME, lambda file: file.write(text.encode()))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return a folder's manifest, or None if it has none.

    Raises:
        DataError: if it is no manifest.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found["versions"], list):
            return found
    except (OSError, ValueError, KeyError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem
    raise DataError(f"{path} is no manifest of a run")


def refuse_other(place: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse to go on with what another run began.

    Args:
        place: of the run, for messages.
        found: what it is made of.
        wanted: what it would be made of; how many samples a stream has need not be known.

    Raises:
        DataError: names what differs, as found and as wanted.
    """
    differ = [
        f"{key} {_short(found.get(key))} instead of {_short(wanted.get(key))}"
        for key in (*PINNED, *ANSWERING, SERVED)
        if found.get(key) != wanted.get(key) and not (key == "samples" and wanted[key] is None)
    ]
    if differ:
        raise DataError(
            f"{place} belongs to another run: {'; '.join(differ)}. "
            "Give another place, or remove it first"
        )


def _dtype(model: "MatryoshkaVLM") -> str | None:
    dtype = getattr(getattr(model, "model", None), "dtype", None)
    return None if dtype is None else str(dtype).removeprefix("torch.")


def _short(value: Any) -> str:
    """Return a value as it is shown; of a hash the front."""
    text = repr(value)
    return text if len(text) < 66 or not isinstance(value, str) else f"{value[:12]!r}"
