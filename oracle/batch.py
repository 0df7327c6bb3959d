"""One batch of samples at every scale: what the model said, how sure it was, what it cost."""

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from budget.types import Answer, MatryoshkaVLM


class RungResult(NamedTuple):
    """One sample at one rung of the ladder.

    Attributes:
        answer: generated text.
        confidence: mean log-probability of the generated tokens, natural log.
        margin: probability of the first token less that of the next best, in [0, 1].
        entropy: of the first token's distribution, in nats.
        flops: floating point operations that a run at this rung alone would take.
        seconds: wall time that a run at this rung alone would take. Measured, where rungs run one
            by one; where they share work, the time of the batch by these FLOPs over those of the
            batch.
        num_visual_tokens: visual tokens really used, over all images and their tiles.
        prompt_tokens: whole prompt, visual tokens included.
    """

    answer: str
    confidence: float
    margin: float
    entropy: float
    flops: float
    seconds: float
    num_visual_tokens: int
    prompt_tokens: int


def run_batch(
    model: "MatryoshkaVLM",
    images: "Sequence[Image]",
    questions: Sequence[str],
    *,
    max_new_tokens: int,
) -> list[list[RungResult]]:
    """Answer every question at every rung, all in memory at once.

    A model that has ``answer_every_scale`` shares what the rungs have in common; others are run
    rung by rung on features that are encoded once.

    Args:
        model: answers questions at every scale of its ladder.
        images: one per question, or as many as the model allows.
        questions: the questions.
        max_new_tokens: longest answer, in tokens.

    Returns:
        Per sample, one result per rung, cheapest first.
    """
    if hasattr(model, "answer_every_scale"):
        return _run_shared(model, images, questions, max_new_tokens)
    start = time.perf_counter()
    features = model.encode(images)
    _wait_for(features)
    encoding = time.perf_counter() - start
    per_rung = []
    for m in model.ladder:
        start = time.perf_counter()
        answers = model.answer(
            images,
            questions,
            num_visual_tokens=m,
            max_new_tokens=max_new_tokens,
            features=features,
            batch_size=len(questions),
        )
        seconds = (encoding + time.perf_counter() - start) / len(questions)
        per_rung.append([_result(model, answer, m, seconds) for answer in answers])
    return [list(rungs) for rungs in zip(*per_rung, strict=True)]


def _run_shared(
    model: Any, images: "Sequence[Image]", questions: Sequence[str], max_new_tokens: int
) -> list[list[RungResult]]:
    start = time.perf_counter()
    answers = model.answer_every_scale(
        images, questions, max_new_tokens=max_new_tokens, batch_size=len(questions)
    )
    seconds = time.perf_counter() - start
    taken = sum(model.every_scale_flops(rungs, sharing=len(questions)) for rungs in answers)
    results = [
        [_result(model, answer, m, math.nan) for answer, m in zip(rungs, model.ladder, strict=True)]
        for rungs in answers
    ]
    return [
        [rung._replace(seconds=seconds * rung.flops / taken) for rung in rungs] for rungs in results
    ]


def _result(
    model: "MatryoshkaVLM", answer: "Answer", num_visual_tokens: int, seconds: float
) -> RungResult:
    text_tokens = answer.prompt_tokens - answer.num_visual_tokens
    new_tokens = len(answer.token_ids)
    return RungResult(
        answer.text,
        answer.confidence,
        answer.margin,
        answer.entropy,
        model.cost(num_visual_tokens, text_tokens, new_tokens, grids=answer.grids).flops,
        seconds,
        answer.num_visual_tokens,
        answer.prompt_tokens,
    )


def _wait_for(features: "Sequence[torch.Tensor]") -> None:
    """Wait for queued kernels, so that encoding time is counted as encoding."""
    if len(features) and getattr(features[0], "is_cuda", False):
        import torch

        torch.cuda.synchronize(features[0].device)
