"""Scenes of the testbed to try a model on: drawn here, so nothing is fetched."""

from pathlib import Path
from typing import NamedTuple

# Of the test split, which no model and no policy has seen: one of each kind that looks different.
_SCANNED = 60


class Example(NamedTuple):
    """A picture with a question.

    Attributes:
        path: PNG file.
        question: about it.
        answer: the right one.
        group: kind of the question.
    """

    path: Path
    question: str
    answer: str
    group: str


def draw_examples(folder: Path, count: int = 8) -> list[Example]:
    """Draw scenes with a question each, of as many kinds as there are.

    Args:
        folder: where the pictures are written; made if it is not there.
        count: examples, at most.
    """
    from PIL import Image

    from experiments.scenes.data import iterate_scenes

    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Example] = {}
    for index, scene in enumerate(iterate_scenes("test", _SCANNED)):
        (question,) = scene.questions
        if question.group in found:
            continue
        path = folder / f"scene-{index}.png"
        Image.fromarray(scene.pixels).save(path)
        found[question.group] = Example(path, question.text, question.answer, question.group)
        if len(found) == count:
            break
    return list(found.values())
