"""Curves in layouts that other tools read: MMR-Bench's table, and a ``datasets`` folder."""

import csv
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from budget.errors import DataError
from oracle.curves import Curves
from oracle.logs.curves_folder import COLUMNS

MMR_FILE = "MMR_Bench.csv"


class Question(NamedTuple):
    """What a dataset says of one sample."""

    text: str
    answers: tuple[str, ...]


def refuse_occupied(folder: Path) -> None:
    """Refuse to write where something is.

    Raises:
        DataError: if the folder is a file or is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is there and not empty; give a new folder")


def export_mmr(curves: Curves, folder: Path, questions: Mapping[str, Question]) -> Path:
    """Write MMR-Bench's table: one row a sample, options ``m<scale>``, costs in visual tokens.

    Args:
        curves: what to write.
        folder: new or empty; the file in it is ``MMR_Bench.csv``.
        questions: question and right answers by sample id; empty texts stand for what is missing.

    Returns:
        The file.
    """
    refuse_occupied(folder)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / MMR_FILE
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    options = [f"m{scale}" for scale in curves.scales]
    results = [f"{option}_{what}" for option in options for what in ("prediction", "correct")]
    costs = [f"{option}_cost" for option in options]
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("dataset_idx", "question", "answer", "group", *results, *costs))
        for number, name in enumerate(curves.sample_ids.tolist()):
            writer.writerow(_mmr_row(curves, number, questions.get(name, Question("", ()))))
    os.replace(unfinished, target)
    return target


def _mmr_row(curves: Curves, number: int, question: Question) -> list[Any]:
    answers, scores = curves.answers[number].tolist(), curves.scores[number].tolist()
    results = [cell for pair in zip(answers, scores, strict=True) for cell in pair]
    right = question.answers[0] if len(question.answers) == 1 else list(question.answers) or ""
    return [
        curves.sample_ids[number],
        question.text,
        right,
        curves.groups[number],
        *results,
        *curves.num_visual_tokens[number].tolist(),
    ]


def export_datasets(curves: Curves, folder: Path, about: Mapping[str, Any]) -> Path:
    """Write a folder for ``datasets.load_from_disk``: one row a sample, lists over scales.

    Args:
        curves: what to write.
        folder: new or empty.
        about: how the curves came about; kept as JSON in the dataset's description.

    Returns:
        The folder.
    """
    from datasets import Dataset, DatasetInfo, Features, List, Value

    refuse_occupied(folder)
    kinds = {"answers": "string", "num_visual_tokens": "int64", "prompt_tokens": "int64"}
    features = Features(
        {
            "id": Value("string"),
            "group": Value("string"),
            "scales": List(Value("int64")),
            **{column: List(Value(kinds.get(column, "float64"))) for column in COLUMNS},
        }
    )
    columns: dict[str, Any] = {
        "id": curves.sample_ids.tolist(),
        "group": curves.groups.tolist(),
        "scales": [list(curves.scales)] * len(curves),
        **{column: getattr(curves, column).tolist() for column in COLUMNS},
    }
    info = DatasetInfo(description=json.dumps(dict(about)), features=features)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    try:
        Dataset.from_dict(columns, features=features, info=info).save_to_disk(str(unfinished))
        os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder
