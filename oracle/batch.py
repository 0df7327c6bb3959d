"""One batch of samples at every scale: what the model said, how sure it was, what it cost."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from budget.types import Answer, MatryoshkaVLM


class ImageSplit(NamedTuple):
    """How the images of one sample shared a rung's total.

    Attributes:
        scales: of each image, visual tokens of each of its grids.
        more_answers: that the search for the sample's splits took, beside those with all images at
            one rung.
    """

    scales: tuple[int, ...]
    more_answers: int


class RungResult(NamedTuple):
    """One sample at one rung of the ladder.

    Attributes:
        answer: generated text, or the choice made.
        confidence: mean log-probability of the generated tokens, natural log. Of a choice, as
            margin and entropy, see ``oracle.closed``.
        margin: probability of the first token less that of the next best, in [0, 1].
        entropy: of the first token's distribution, in nats.
        flops: floating point operations that a run at this rung alone would take.
        seconds: wall time that a run at this rung alone would take. Measured, where rungs run one
            by one, and of a served model for each request; where they share work, the time of the
            batch by these FLOPs over those of the batch.
        num_visual_tokens: visual tokens really used, over all images and their tiles.
        prompt_tokens: whole prompt, visual tokens included.
        draws: the answers, where several were drawn.
        split: how several images shared the rung's total, where that was searched for.
    """

    answer: str
    confidence: float
    margin: float
    entropy: float
    flops: float
    seconds: float
    num_visual_tokens: int
    prompt_tokens: int
    draws: tuple[str, ...] = ()
    split: ImageSplit | None = None


def run_batch(
    model: "MatryoshkaVLM",
    images: "Sequence[Image]",
    questions: Sequence[str],
    *,
    max_new_tokens: int,
) -> list[list[RungResult]]:
    """Answer every question at every rung, all in memory at once.

    A model that has ``answer_every_scale`` shares what the rungs have in common; one that has
    ``timed_every_scale`` measures each answer itself; others are run rung by rung on features that
    are encoded once.

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
    if hasattr(model, "timed_every_scale"):
        rows = model.timed_every_scale(images, questions, max_new_tokens=max_new_tokens)
        return [[rung_result(model, each.answer, each.seconds) for each in row] for row in rows]
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
        per_rung.append([rung_result(model, answer, seconds) for answer in answers])
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
    results = [[rung_result(model, answer, math.nan) for answer in rungs] for rungs in answers]
    return [
        [rung._replace(seconds=seconds * rung.flops / taken) for rung in rungs] for rungs in results
    ]


def rung_result(model: "MatryoshkaVLM", answer: "Answer", seconds: float) -> RungResult:
    """Return what one answer says and costs."""
    return RungResult(
        answer.text,
        answer.confidence,
        answer.margin,
        answer.entropy,
        model.answer_cost(answer).flops,
        seconds,
        answer.num_visual_tokens,
        answer.prompt_tokens,
    )


def decode_flops(
    model: "MatryoshkaVLM", answer: "Answer", num_visual_tokens: int, new_tokens: int
) -> float:
    """Return the FLOPs of so many tokens behind an answer's prompt, the first left out."""
    text_tokens = answer.prompt_tokens - answer.num_visual_tokens
    return model.cost(num_visual_tokens, text_tokens, new_tokens, grids=answer.grids).decode_flops


def seconds_per_flop(
    model: Any,
    answers: "Sequence[Sequence[Answer]]",
    decoding: Sequence[Sequence[float]],
    seconds: float,
) -> float:
    """Return how fast a batch was whose prompts were read once, with several texts behind each.

    Args:
        model: has ``every_scale_flops``.
        answers: per sample and rung, one answer of the prompt.
        decoding: FLOPs of all that stands behind these prompts, the first tokens left out.
        seconds: that all took together.
    """
    taken = 0.0
    for rungs, own in zip(answers, decoding, strict=True):
        firsts = [replace(answer, token_ids=answer.token_ids[:1]) for answer in rungs]
        taken += model.every_scale_flops(firsts, sharing=len(answers))
        # A question without an image is the same at every rung, and run once.
        taken += sum({a.num_visual_tokens: f for a, f in zip(rungs, own, strict=True)}.values())
    return seconds / taken


def _wait_for(features: "Sequence[torch.Tensor]") -> None:
    """Wait for queued kernels, so that encoding time is counted as encoding."""
    if len(features) and getattr(features[0], "is_cuda", False):
        import torch

        torch.cuda.synchronize(features[0].device)
