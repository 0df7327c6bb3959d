"""Prompts of two to four scenes and a question about one of them, for totals that are split.

What the question names (a plate's colour, a kind of shape, a colour) is in one picture only, so
that there is one right answer and no word that says which picture is meant.
"""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments.scenes.data import SPLITS, Scene, iterate_scenes
from experiments.scenes.layout import Layout
from experiments.scenes.questions import Question
from experiments.scenes.vocabulary import COLOUR_NAMES, SHAPES

if TYPE_CHECKING:
    from datasets import Dataset

COUNTS = (2, 3, 4)
# Groups whose questions name something that other pictures can lack.
GROUPS = ("attribute", "relation", "digit", "word")
# Scenes that are shown together at most: each prompt takes its others from its own block.
_BLOCK = 50
_SEED = 7


class Several(NamedTuple):
    """One prompt.

    Attributes:
        number: of the scene that is asked about, in its split.
        pictures: RGB, shape [96, 96, 3] each.
        asked: place of the picture that the question is about.
        question: about it.
    """

    number: int
    pictures: list[NDArray[np.uint8]]
    asked: int
    question: Question


def is_clear(question: str, other: Layout) -> bool:
    """Return whether nothing in another scene can be meant by a question.

    Example:
        >>> is_clear("What word is on the red plate?", Layout("plain", False, 1, [], None))
        True
    """
    words = set(question.strip("?.").split())
    colours, shapes = words & set(COLOUR_NAMES), words & set(SHAPES)
    if "plate" in words:
        return not any(thing.plate in colours for thing in other.things)
    if shapes:
        return not any(thing.shape in shapes for thing in other.things)
    return not any({thing.colour, thing.plate} & colours for thing in other.things)


def iterate_several(split: str) -> Iterator[Several]:
    """Draw the prompts of a split, one for each scene that is asked something of ``GROUPS``.

    Prompts do not depend on how many are drawn; the same picture may be in several of them.

    Args:
        split: a name of ``SPLITS``.

    Raises:
        ValueError: if there is no such split.
    """
    for start in range(0, SPLITS[split].scenes if split in SPLITS else 1, _BLOCK):
        scenes = list(iterate_scenes(split, _BLOCK, start=start))
        for place, scene in enumerate(scenes):
            rng = np.random.default_rng([SPLITS[split].seed, _SEED, start + place])
            question = scene.questions[0] if scene.questions else None
            if question is None or question.group not in GROUPS:
                continue
            wanted = int(rng.choice(COUNTS)) - 1
            others = _others(scenes, place, question.text, wanted, rng)
            if len(others) == wanted:
                asked = int(rng.integers(wanted + 1))
                shown = [*others[:asked], scene, *others[asked:]]
                yield Several(start + place, [each.pixels for each in shown], asked, question)


def load_several(split: str = "test", limit: int | None = None) -> "Dataset":
    """Return prompts of a split as a dataset.

    Args:
        split: ``fit``, ``calibration`` or ``test``; the model has seen the scenes of
            ``model-train``, one at a time.
        limit: prompts to draw instead of all, about two for every three scenes.

    Returns:
        Columns id, image (a list), question, answers, group (how many pictures), and for analysis
        only asked (place of the picture that is meant), kind (of question) and smallest_px.

    Raises:
        ValueError: if there is no such split.
    """
    from datasets import Dataset, Features, Image, List, Value
    from PIL import Image as PILImage

    rows = [
        {
            "id": f"{split}-several-{each.number:06d}",
            "image": [PILImage.fromarray(pixels) for pixels in each.pictures],
            "question": each.question.text,
            "answers": [each.question.answer],
            "group": f"{len(each.pictures)} pictures",
            "asked": each.asked,
            "kind": each.question.group,
            "smallest_px": each.question.smallest_px,
        }
        for each in islice(iterate_several(split), limit)
    ]
    features = {
        "id": Value("string"),
        "image": List(Image()),
        "question": Value("string"),
        "answers": List(Value("string")),
        "group": Value("string"),
        "asked": Value("int32"),
        "kind": Value("string"),
        "smallest_px": Value("int32"),
    }
    return Dataset.from_list(rows, features=Features(features))


def _others(
    scenes: list[Scene], place: int, question: str, wanted: int, rng: np.random.Generator
) -> list[Scene]:
    """Return other scenes in which nothing can be meant by the question, as many as are wanted."""
    others = [int(i) for i in rng.permutation(len(scenes)) if i != place]
    return [scenes[i] for i in others if is_clear(question, scenes[i].layout)][:wanted]
