"""The recipes: which stages make an M3 and which make an MQT model, from nothing.

Both begin as their originals do, with a vision tower and a language model that already see and
speak: M3 is tuned from LLaVA-1.5, MQT from CLIP and Vicuna. Here the first two stages make those.
"""

from typing import NamedTuple

from experiments.train.build import Shape
from experiments.train.stages import LearnAnswers, LearnPrefixes, Stage, learn_dense

TOWER, HEADS = "vlm.model.vision_tower", "heads"
PROJECTOR = "vlm.model.multi_modal_projector"
LANGUAGE, HEAD = "vlm.model.language_model", "vlm.lm_head"


class Steps(NamedTuple):
    """Optimizer steps of every stage.

    Attributes:
        dense: vision tower on dense labels.
        answers: the whole model, M3 at one of its two largest scales, MQT with all queries.
        nested: all scales (M3), or all queries and then random m (MQT).
        align: MQT's resampler alone, all queries.
    """

    dense: int = 2200
    answers: int = 6000
    nested: int = 1100
    align: int = 300


def _first_stages(fine: tuple[int, ...], steps: Steps, questions: int) -> list[Stage]:
    """Return the stages that make a vision tower and a language model."""
    return [
        Stage("dense", learn_dense, steps.dense, 48, {TOWER: 2e-3, HEADS: 2e-3}),
        Stage(
            "answers",
            LearnAnswers(fine, questions, drawn=1),
            steps.answers,
            8,
            {PROJECTOR: 1.2e-3, LANGUAGE: 1.2e-3, HEAD: 1.2e-3, TOWER: 1e-4, HEADS: 1e-4},
        ),
    ]


def m3_stages(shape: Shape, steps: Steps, questions: int) -> list[Stage]:
    """Return the stages of an M3 model."""
    rates = {PROJECTOR: 6e-4, LANGUAGE: 6e-4, HEAD: 6e-4, TOWER: 1e-4, HEADS: 1e-4}
    nested = LearnAnswers(shape.scales, questions)
    return [
        *_first_stages(shape.scales[-2:], steps, questions),
        Stage("nested", nested, steps.nested, 8, rates),
    ]


def mqt_stages(shape: Shape, steps: Steps, questions: int) -> list[Stage]:
    """Return the stages of an MQT model."""
    queries = shape.grid**2
    rates = {PROJECTOR: 6e-4, LANGUAGE: 6e-4, HEAD: 6e-4, TOWER: 1e-4, HEADS: 1e-4}
    even = tuple(range(2, queries + 1, 2))
    return [
        *_first_stages((queries,), steps, questions),
        Stage("align", LearnPrefixes((queries,), questions), steps.align, 8, {PROJECTOR: 2e-3}),
        Stage("nested", LearnPrefixes(even, questions), steps.nested, 8, rates),
    ]
