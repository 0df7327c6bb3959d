"""Folders that ``budget oracle export --format datasets`` wrote: lists per scale, row by row."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError
from oracle.logs.rows import Choices, Log, LogRow

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = {
    "answers": "answer",
    "scores": "score",
    "num_visual_tokens": "num_visual_tokens",
    "prompt_tokens": "prompt_tokens",
    "seconds": "seconds",
    "flops": "flops",
    "confidence": "confidence",
    "margin": "margin",
    "entropy": "entropy",
}
_OPTIONAL = ("margin", "entropy")  # folders that were written before these were kept lack them


def read_curves_folder(path: Path, choices: Choices) -> list[Log]:
    """Return one log a scale.

    Raises:
        DataError: if the folder cannot be read, holds no curves, or a metric is asked for.
    """
    dataset = _load(path)
    if choices.metric is not None:
        raise DataError(f"{path} has no metric {choices.metric!r}: curves have one score")
    needed = [n for n in ("id", "group", "scales", *COLUMNS) if n not in _OPTIONAL]
    if missing := [n for n in needed if n not in dataset.column_names]:
        raise DataError(f"{path} holds no curves: it lacks {', '.join(missing)}")
    if not len(dataset):
        raise DataError(f"{path} has no rows")
    ladders = {tuple(row) for row in dataset["scales"][:]}
    if len(ladders) != 1:
        raise DataError(f"{path} mixes ladders: {sorted(ladders)}")
    records, about = dataset.to_list(), _about(dataset)
    return [
        Log(
            path,
            [_row(line, record, rung) for line, record in enumerate(records, start=1)],
            scale=scale,
            model=str(about.get("model", "")),
            metric=str(about.get("scorer", "score")),
        )
        for rung, scale in enumerate(ladders.pop())
    ]


def _load(path: Path) -> "Dataset":
    from datasets import Dataset, load_from_disk

    try:
        found = load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as problem:
        raise DataError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(found, Dataset):
        raise DataError(f"{path} has splits ({', '.join(found)}); give the folder of one")
    return found


def _about(dataset: "Dataset") -> dict[str, Any]:
    try:
        about = json.loads(dataset.info.description or "{}")
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}


def _row(line: int, record: dict[str, Any], rung: int) -> LogRow:
    there = {column: field for column, field in COLUMNS.items() if column in record}
    fields = {field: record[column][rung] for column, field in there.items()}
    return LogRow(line=line, key=str(record["id"]), group=str(record["group"]), **fields)
