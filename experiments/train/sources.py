"""Where training data comes from: the scenes, drawn in memory, or any dataset."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from budget.console import say
from budget.data_choice import DataChoice
from budget.errors import DataError
from experiments.train.examples import Texts, TrainingSet, from_rows

_CHUNK = 500
NEEDED = ("image", "question", "answers")


def load_training_set(
    data: str, side: int, limit: int | None, choice: DataChoice | None = None
) -> TrainingSet:
    """Load the pictures and questions to train on.

    Args:
        data: ``scenes``, or what ``oracle.data.load_dataset_columns`` takes; its split ``train``
            if it has several.
        side: pixels a side.
        limit: pictures (scenes) or rows (other data) at most; None for all.
        choice: which column is what, where the names do not tell.

    Raises:
        DataError: if the data cannot be read or lacks a column.
    """
    if data == "scenes":
        return draw_scenes(limit)
    from oracle.data import load_dataset_columns

    rows = load_dataset_columns(data, "train", NEEDED, limit, choice=choice, say=say)
    return from_rows(rows, side)


def draw_scenes(count: int | None = None, processes: int | None = None) -> TrainingSet:
    """Draw the scenes of split ``model-train`` in parallel processes."""
    from experiments.scenes.data import SPLITS
    from experiments.scenes.render import PATCH_WORDS

    count = SPLITS["model-train"].scenes if count is None else count
    if count < 1:
        raise DataError(f"the number of scenes must be at least 1, got {count}")
    starts = range(0, count, _CHUNK)
    workers = processes or min(os.cpu_count() or 1, len(starts))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_draw, starts, [min(_CHUNK, count - s) for s in starts]))
    pixels, texts, drills, labels = zip(*parts, strict=True)
    return TrainingSet(
        np.concatenate(pixels),
        [text for part in texts for text in part],
        np.concatenate(labels),
        PATCH_WORDS,
        [text for part in drills for text in part],
    )


def _draw(start: int, count: int) -> tuple[np.ndarray, Texts, Texts, np.ndarray]:
    from experiments.scenes.data import QUESTIONS_TO_TRAIN_ON, iterate_scenes

    scenes = list(
        iterate_scenes("model-train", count, questions=QUESTIONS_TO_TRAIN_ON, start=start)
    )
    return (
        np.stack([scene.pixels for scene in scenes]),
        [[(q.text, q.answer) for q in scene.questions] for scene in scenes],
        [[(q.text, q.answer) for q in scene.drills] for scene in scenes],
        np.stack([scene.labels for scene in scenes]),
    )
