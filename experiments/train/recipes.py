"""The recipes: which stages make an M3 and which make an MQT model, from nothing.

Both begin as their originals do, with a vision tower and a language model that already see and
speak: M3 is tuned from LLaVA-1.5, MQT from CLIP and Vicuna. Here the stages before the last one
make those.
"""

from typing import NamedTuple

import torch

from experiments.train.build import Shape
from experiments.train.spread import farthest_order
from experiments.train.stages import LearnAnswers, LearnPrefixes, LearnWords, Stage, learn_dense

TOWER, HEADS = "vlm.model.vision_tower", "heads"
PROJECTOR = "vlm.model.multi_modal_projector"
EMBEDDINGS = "vlm.model.language_model.embed_tokens"
LAST_NORM = "vlm.model.language_model.norm"
LANGUAGE, HEAD = "vlm.model.language_model", "vlm.lm_head"
NAMING = {PROJECTOR: 2e-3, EMBEDDINGS: 2e-3, LAST_NORM: 2e-3, HEAD: 2e-3}
NESTED = {PROJECTOR: 6e-4, LANGUAGE: 6e-4, HEAD: 6e-4, TOWER: 1e-4, HEADS: 1e-4}


class Steps(NamedTuple):
    """Optimizer steps of every stage.

    Attributes:
        dense: vision tower on dense labels.
        words: projector or resampler, and the language model's tables, on words for what is shown.
        drills: the whole model on the data's drills, if it has any: M3 at one of its two largest
            scales, MQT with all queries.
        answers: the same on its questions.
        nested: all scales (M3), or random m (MQT).
        align: MQT's resampler alone, all queries, before a language model that is there already.
    """

    dense: int = 2200
    words: int = 300
    drills: int = 2860
    answers: int = 6000
    nested: int = 800
    align: int = 200


def _from_nothing(
    words: LearnWords, scales: tuple[int, ...], steps: Steps, questions: int
) -> list[Stage]:
    """Return the stages that make a model that sees and speaks: labels, words, drills, answers."""
    dense = {TOWER: 2e-3, HEADS: 2e-3}
    drills = {PROJECTOR: 1.2e-3, LANGUAGE: 1.2e-3, HEAD: 1.2e-3, TOWER: 1e-4, HEADS: 1e-4}
    answers = {PROJECTOR: 1e-3, LANGUAGE: 1e-3, HEAD: 1e-3, TOWER: 1e-4, HEADS: 1e-4}
    learn_drills = LearnAnswers(scales, questions, drawn=1, drills=True)
    return [
        Stage("dense", learn_dense, steps.dense, 48, dense),
        Stage("words", words, steps.words, 48, NAMING, warmup=20),
        Stage("drills", learn_drills, steps.drills, 8, drills, horizon=2 * steps.drills),
        Stage("answers", LearnAnswers(scales, questions, drawn=1), steps.answers, 8, answers),
    ]


def m3_stages(
    shape: Shape, steps: Steps, questions: int, tables: tuple[torch.Tensor, ...] | None
) -> list[Stage]:
    """Return the stages of an M3 model.

    Args:
        shape: of the model.
        steps: of every stage.
        questions: packed behind one picture.
        tables: which tokens name the classes of the patch labels, see ``LearnWords``.
    """
    nested = LearnAnswers(shape.scales, questions)
    return [
        *_from_nothing(LearnWords(tables), shape.scales[-2:], steps, questions),
        Stage("nested", nested, steps.nested, 8, NESTED),
    ]


def mqt_stages(
    shape: Shape,
    steps: Steps,
    questions: int,
    tables: tuple[torch.Tensor, ...] | None,
    *,
    tuned: bool = False,
) -> list[Stage]:
    """Return the stages of an MQT model.

    Args:
        shape: of the model.
        steps: of every stage.
        questions: packed behind one picture.
        tables: which tokens name the classes of the patch labels, see ``LearnWords``.
        tuned: vision tower and language model are there already, as with MQT's CLIP and Vicuna:
            first the resampler alone learns to feed them.
    """
    queries = shape.grid**2
    # Query i begins at the patch that is i-th in this order.
    words = LearnWords(tables, tuple(farthest_order(shape.grid)))
    nested = LearnPrefixes(tuple(range(2, queries + 1, 2)), questions)
    alone = {PROJECTOR: 2e-3}
    if tuned:
        first = [
            Stage("words", words, steps.words, 48, alone, warmup=20),
            Stage("align", LearnPrefixes((queries,), questions), steps.align, 8, alone),
        ]
    else:
        first = _from_nothing(words, (queries,), steps, questions)
    return [*first, Stage("nested", nested, steps.nested, 8, NESTED)]
