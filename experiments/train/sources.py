"""Where training data comes from: the scenes, drawn in memory, or any dataset."""

import math
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context

import numpy as np

from budget.console import say
from budget.data_choice import DataChoice
from budget.errors import DataError
from experiments.train.examples import Texts, TrainingSet, from_rows

_CHUNK = 500
NEEDED = ("image", "question", "answers")


def load_training_set(
    data: str,
    side: int,
    limit: int | None,
    choice: DataChoice | None = None,
    ask: str | None = None,
) -> TrainingSet:
    """Load the pictures and questions to train on.

    Args:
        data: ``scenes``, or what ``oracle.data.load_dataset_columns`` takes; its split ``train``
            if it has several.
        side: pixels a side.
        limit: pictures (scenes) or rows (other data) at most; None for all.
        choice: which column is what, where the names do not tell.
        ask: how often groups of the scenes are asked, ``group=weight`` with commas between.

    Raises:
        DataError: if the data cannot be read or lacks a column, or ``ask`` is no list of groups
            and weights, or given for other data.
    """
    if data == "scenes":
        return draw_scenes(limit, weights=_read_weights(ask))
    if ask is not None:
        raise DataError(f"only scenes have groups to ask more often, got --ask {ask} for {data}")
    from oracle.data import load_dataset_columns

    rows = load_dataset_columns(data, "train", NEEDED, limit, choice=choice, say=say)
    return from_rows(rows, side)


def _read_weights(ask: str | None) -> dict[str, float]:
    """Read ``digit=4,word=2``; the groups that are not named keep their weights."""
    from experiments.scenes.questions import TUNING_WEIGHTS

    weights = dict(TUNING_WEIGHTS)
    for part in ask.split(",") if ask else []:
        group, _, text = part.partition("=")
        try:
            weight = float(text)
        except ValueError:
            weight = math.nan
        if group not in weights or not 0 < weight < math.inf:
            raise DataError(
                f"--ask takes group=weight with commas between, weights above 0, got {part!r}"
                f"; groups are {', '.join(weights)}"
            )
        weights[group] = weight
    return weights


def draw_scenes(
    count: int | None = None,
    processes: int | None = None,
    *,
    weights: Mapping[str, float] | None = None,
) -> TrainingSet:
    """Draw the scenes of split ``model-train`` in parallel processes.

    Args:
        count: scenes to draw; by default as many as the split has.
        processes: that draw; by default as many as there are cores.
        weights: how often each group is asked; by default as ``questions.TUNING_WEIGHTS`` says.

    Raises:
        DataError: if ``count`` is less than 1.
    """
    from experiments.scenes.data import SPLITS
    from experiments.scenes.render import PATCH_WORDS

    count = SPLITS["model-train"].scenes if count is None else count
    if count < 1:
        raise DataError(f"the number of scenes must be at least 1, got {count}")
    starts = range(0, count, _CHUNK)
    workers = processes or min(os.cpu_count() or 1, len(starts))
    sizes = [min(_CHUNK, count - start) for start in starts]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_draw, starts, sizes, repeat(weights)))
    pixels, texts, drills, labels = zip(*parts, strict=True)
    return TrainingSet(
        np.concatenate(pixels),
        [text for part in texts for text in part],
        np.concatenate(labels),
        PATCH_WORDS,
        [text for part in drills for text in part],
    )


def _draw(
    start: int, count: int, weights: Mapping[str, float] | None
) -> tuple[np.ndarray, Texts, Texts, np.ndarray]:
    from experiments.scenes.data import QUESTIONS_TO_TRAIN_ON, iterate_scenes

    scenes = list(
        iterate_scenes(
            "model-train", count, questions=QUESTIONS_TO_TRAIN_ON, start=start, weights=weights
        )
    )
    return (
        np.stack([scene.pixels for scene in scenes]),
        [[(q.text, q.answer) for q in scene.questions] for scene in scenes],
        [[(q.text, q.answer) for q in scene.drills] for scene in scenes],
        np.stack([scene.labels for scene in scenes]),
    )
