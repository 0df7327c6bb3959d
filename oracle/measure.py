"""One sample from its row to scored answers at every rung, and many to curves."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from oracle.batch import RungResult
from oracle.curves import Curves
from oracle.samples import Sample
from oracle.scoring import Scorer, agreement, score_batch

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


class Measured(NamedTuple):
    """What the model answered to one sample, and what that is worth.

    Attributes:
        sample: which.
        rungs: one result per rung, cheapest first.
        scores: of each rung, in [0, 1]; where answers were drawn, their mean.
        draw_scores: of each rung, the score of every answer that was drawn; none where none was.
    """

    sample: Sample
    rungs: list[RungResult]
    scores: list[float]
    draw_scores: list[list[float]]


def scored(score: Scorer, sample: Sample, rungs: list[RungResult]) -> Measured:
    """Return a sample's rungs with their scores.

    Raises:
        ValueError: if the scorer refuses the sample's answers or options.
    """
    texts = [text for rung in rungs for text in rung.draws or (rung.answer,)]
    found = iter(score_texts(score, sample, texts, rungs[-1].answer))
    each = [[next(found) for _ in rung.draws or (rung.answer,)] for rung in rungs]
    drawn = [scores if rung.draws else [] for scores, rung in zip(each, rungs, strict=True)]
    return Measured(sample, rungs, [fmean(scores) for scores in each], drawn)


def score_texts(
    score: Scorer, sample: Sample, texts: Sequence[str], full_answer: str
) -> list[float]:
    """Return the score of each of some answers to one sample.

    Args:
        score: what ``get_scorer`` returns.
        sample: which.
        texts: the answers.
        full_answer: that of the full scale, which is the right one for the scorer ``agreement``.

    Raises:
        ValueError: if the scorer refuses the sample's answers or options.
    """
    told = sample.told | ({"answers": [[full_answer]]} if score is agreement else {})
    columns = {name: values * len(texts) for name, values in told.items()}
    return score_batch(score, texts, columns)


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
