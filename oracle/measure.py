"""One sample from the dataset's row to scored answers at every rung, and many to curves."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oracle.batch import RungResult, run_batch
from oracle.curves import Curves
from oracle.scoring import Scorer, agreement, score_batch

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import MatryoshkaVLM

_TOLD = ("answers", "question", "options")
# Column of the curves and field of a ``RungResult``.
_FIELDS = {
    "answers": "answer",
    "confidence": "confidence",
    "margin": "margin",
    "entropy": "entropy",
    "flops": "flops",
    "seconds": "seconds",
    "num_visual_tokens": "num_visual_tokens",
    "prompt_tokens": "prompt_tokens",
}


class Sample(NamedTuple):
    """One row of a dataset, without its image.

    Attributes:
        row: where it stands in the dataset, from 0.
        sample_id: its id.
        group: its group, ``"all"`` where it has none.
        question: what is asked.
        told: columns for the scorer, each with this sample's value alone.
    """

    row: int
    sample_id: str
    group: str
    question: str
    told: dict[str, list[Any]]


class Measured(NamedTuple):
    """What the model answered to one sample, and what that is worth.

    Attributes:
        sample: which.
        rungs: one result per rung, cheapest first.
        scores: of each rung, in [0, 1].
    """

    sample: Sample
    rungs: list[RungResult]
    scores: list[float]


class Samples:
    """Reads a dataset row by row; a row's image is read and decoded apart from its texts.

    Args:
        dataset: columns id, image, question, and answers, options and group if there.
    """

    def __init__(self, dataset: "Dataset") -> None:
        texts = ("id", "group", *_TOLD)
        there = [name for name in texts if name in dataset.column_names]
        self._texts = dataset.select_columns(there)
        self._images = dataset.select_columns(["image"])
        self._ids = dataset.select_columns(["id"])

    def sample(self, row: int) -> Sample:
        """Return all of a row but its image."""
        values = self._texts[row]
        group = values.get("group")
        told = {
            name: [values[name]] for name in ("answers", "question", "options") if name in values
        }
        return Sample(
            row, str(values["id"]), "all" if group is None else str(group), values["question"], told
        )

    def sample_id(self, row: int) -> str:
        """Return the id of a row whose other columns may be unreadable."""
        return str(self._ids[row]["id"])

    def image(self, row: int) -> Any:
        """Return the image of a row.

        Raises:
            DataError: if it cannot be read.
        """
        return self._images[row]["image"]


def measure(
    model: "MatryoshkaVLM", samples: Sequence[Sample], images: Sequence[Any], max_new_tokens: int
) -> list[list[RungResult]]:
    """Run samples as one batch at every rung; return one list of rungs per sample."""
    questions = [sample.question for sample in samples]
    return run_batch(model, images, questions, max_new_tokens=max_new_tokens)


def scored(score: Scorer, sample: Sample, rungs: list[RungResult]) -> Measured:
    """Return a sample's rungs with their scores.

    Raises:
        ValueError: if the scorer refuses the sample's answers or options.
    """
    told = sample.told | ({"answers": [[rungs[-1].answer]]} if score is agreement else {})
    columns = {name: values * len(rungs) for name, values in told.items()}
    return Measured(sample, rungs, score_batch(score, [rung.answer for rung in rungs], columns))


def to_curves(measured: Sequence[Measured], scales: Iterable[int]) -> Curves:
    """Return the curves of samples, in the order given; there may be none."""
    ladder = tuple(scales)

    def column(value: Callable[[Measured], list[Any]]) -> Any:
        return np.array([value(each) for each in measured]).reshape(len(measured), len(ladder))

    def field(name: str) -> Any:
        return column(lambda each: [getattr(rung, name) for rung in each.rungs])

    return Curves(
        sample_ids=np.array([each.sample.sample_id for each in measured], dtype=np.str_),
        groups=np.array([each.sample.group for each in measured], dtype=np.str_),
        scales=ladder,
        scores=column(lambda each: each.scores),
        **{name: field(rung_field) for name, rung_field in _FIELDS.items()},
    )
