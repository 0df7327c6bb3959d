"""Scenes as data: seeded splits that share neither scenes nor handwriting."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.scenes.layout import Layout, draw_layout
from experiments.scenes.questions import GROUP_WEIGHTS, TUNING_WEIGHTS, Question, ask, describe
from experiments.scenes.render import patch_labels, render

if TYPE_CHECKING:
    from datasets import Dataset


class Split(NamedTuple):
    """One split: how many scenes it has by default, and its own seed and handwriting.

    Attributes:
        seed: first word of every scene's seed.
        scenes: scenes by default.
        digits: half-open range of rows of scikit-learn's 1,797 handwritten digits.
    """

    seed: int
    scenes: int
    digits: tuple[int, int]


TRAINING = "model-train"
SPLITS = {
    TRAINING: Split(1, 20_000, (0, 1200)),
    "fit": Split(2, 8_000, (1200, 1400)),
    "calibration": Split(3, 3_000, (1400, 1550)),
    "test": Split(4, 6_000, (1550, 1797)),
}
QUESTIONS_TO_TRAIN_ON = 8
# Questions among a scene's drills; up to three lists come on top.
QUESTIONS_TO_DRILL = 5


class Scene(NamedTuple):
    """One drawn scene.

    Attributes:
        pixels: RGB, shape [96, 96, 3].
        layout: what stands where.
        questions: what was asked.
        labels: class of every patch in every channel, shape [10, 12, 12].
        drills: more questions, and lists of what is there, for a language model's first steps;
            empty but in the split to train on.
    """

    pixels: NDArray[np.uint8]
    layout: Layout
    questions: list[Question]
    labels: NDArray[np.int16]
    drills: list[Question]


def iterate_scenes(
    split: str,
    count: int | None = None,
    *,
    questions: int = 1,
    start: int = 0,
    weights: Mapping[str, float] | None = None,
) -> Iterator[Scene]:
    """Draw the scenes of a split, one at a time; scene ``i`` does not depend on the others.

    Args:
        split: a name of ``SPLITS``.
        count: scenes to draw; by default as many as the split has.
        questions: questions a scene, at most.
        start: index of the first scene.
        weights: how often each group is asked where a scene allows it; by default
            ``questions.GROUP_WEIGHTS``, for the split to train on ``questions.TUNING_WEIGHTS``.

    Raises:
        ValueError: if there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"no split {split!r}; there are {', '.join(SPLITS)}")
    from sklearn.datasets import load_digits

    digits = load_digits()
    seed, scenes, (low, high) = SPLITS[split]
    usable = np.arange(low, high)
    for index in range(start, start + (scenes if count is None else count)):
        rng = np.random.default_rng([seed, index])
        layout = draw_layout(rng, usable, digits.target)
        pixels = render(layout, digits.images, rng)
        drills, usual = [], GROUP_WEIGHTS
        if split == TRAINING:
            drills = ask(layout, QUESTIONS_TO_DRILL, rng) + describe(layout, rng)
            usual = TUNING_WEIGHTS
        asked = ask(layout, questions, rng, weights or usual)
        yield Scene(pixels, layout, asked, patch_labels(layout), drills)


def load_scenes(split: str = "test", limit: int | None = None) -> "Dataset":
    """Return a split as a dataset, one question a row.

    ``smallest_px`` (size of the smallest thing that the answer rests on), ``things`` (how many
    things the scene has) and ``density`` (cells a side of its layout) are for analysis only:
    they are never features. The split ``model-train`` also has ``patch_labels``.

    Args:
        split: ``model-train``, ``fit``, ``calibration`` or ``test``.
        limit: scenes to draw instead of the whole split.

    Returns:
        Columns id, image, question, answers, group, smallest_px, things, density.
    """
    from datasets import Dataset, Features, Image, List, Value
    from PIL import Image as PILImage

    training = split == TRAINING
    features = {
        "id": Value("string"),
        "image": Image(),
        "question": Value("string"),
        "answers": List(Value("string")),
        "group": Value("string"),
        "smallest_px": Value("int32"),
        "things": Value("int32"),
        "density": Value("int32"),
    }
    if training:
        features["patch_labels"] = List(List(List(Value("int16"))))
    rows: list[dict[str, object]] = []
    count = QUESTIONS_TO_TRAIN_ON if training else 1
    for index, scene in enumerate(iterate_scenes(split, limit, questions=count)):
        picture = PILImage.fromarray(scene.pixels)
        for number, question in enumerate(scene.questions):
            row: dict[str, object] = {
                "id": f"{split}-{index:06d}-{number}",
                "image": picture,
                "question": question.text,
                "answers": [question.answer],
                "group": question.group,
                "smallest_px": question.smallest_px,
                "things": len(scene.layout.things),
                "density": scene.layout.density,
            }
            if training:
                row["patch_labels"] = scene.labels.tolist()
            rows.append(row)
    return Dataset.from_list(rows, features=Features(features))
