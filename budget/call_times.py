"""Milliseconds of single calls of a model: reading a batch of prompts, one token more, images.

Every round goes once through everything that is measured, so that a machine that slows down does
so for all of it alike. Prompts are random embeddings and images are noise: neither changes a time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from PIL import Image

from budget.generation import generate_greedily
from budget.timing import now

if TYPE_CHECKING:
    from budget.llava import LlavaRunner

_STEPS = 4
_QUESTION = "What is written on the sign to the left of the blue house?"


class Call(NamedTuple):
    """One batch of prompts.

    Attributes:
        rows: prompts in it.
        length: tokens of the longest one.
        padded: whether they differ in length; a batch of one cannot.
    """

    rows: int
    length: int
    padded: bool


class CallTime(NamedTuple):
    """What a batch of prompts took.

    Attributes:
        prefill_ms: until the first new token of every prompt.
        step_ms: one more token of every prompt.
    """

    prefill_ms: float
    step_ms: float


class Measured(NamedTuple):
    """Medians over rounds.

    Attributes:
        calls: of every batch of prompts, in the order asked for.
        encode_ms: of images encoded together, by their number.
        text_ms: reading one question and writing one answer as text.
    """

    calls: list[CallTime]
    encode_ms: dict[int, float]
    text_ms: float


def measure(
    model: "LlavaRunner",
    calls: Sequence[Call],
    images: Sequence[int],
    *,
    repeats: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Measured:
    """Measure batches of prompts and of images.

    Args:
        model: the model.
        calls: batches of prompts.
        images: numbers of images to encode together.
        repeats: rounds, after one that is thrown away.
        progress: called with (rounds done, rounds in all).

    Raises:
        ValueError: if there is no round.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    rounds = []
    for done in range(1 + repeats):
        prompts = [time_call(model, call) for call in calls]
        seen = [time_images(model, count) for count in images]
        rounds.append((prompts, seen, time_text(model)))
        progress(done + 1, 1 + repeats)
    by_call, by_count, text = zip(*rounds[1:], strict=True)
    times = np.median(np.array(by_call).reshape(repeats, len(calls), 2), axis=0)
    encode = np.median(np.array(by_count).reshape(repeats, len(images)), axis=0)
    return Measured(
        [CallTime(*row) for row in times.tolist()],
        dict(zip(images, encode.tolist(), strict=True)),
        float(np.median(text)),
    )


@torch.inference_mode()
def time_call(model: "LlavaRunner", call: Call) -> CallTime:
    """Measure one batch of prompts once.

    Raises:
        ValueError: if a batch of one is to be padded, or a length leaves nothing to pad.
    """
    if call.padded and (call.rows < 2 or call.length < 2):
        raise ValueError(f"only several prompts of several tokens can be padded, got {call}")
    device, dtype = model.device, model.model.dtype
    width = model.shape.text.width
    lengths = [call.length] * (call.rows - call.padded) + [call.length - 1] * call.padded
    prompts = [torch.randn(length, width, device=device, dtype=dtype) for length in lengths]
    with _call_starts(model.model.model.language_model, device) as starts:
        start = now(device)
        # No stop token: every prompt takes all steps.
        generate_greedily(
            model.model.model.language_model,
            model.model.lm_head,
            prompts,
            max_new_tokens=1 + _STEPS,
        )
        end = now(device)
    return CallTime(1000 * (starts[1] - start), 1000 * (end - starts[1]) / _STEPS)


@contextmanager
def _call_starts(language_model: torch.nn.Module, device: torch.device) -> Iterator[list[float]]:
    """Note when every pass of the language model begins: the second one ends the prefill."""
    starts: list[float] = []
    hook = language_model.register_forward_pre_hook(lambda *_: starts.append(now(device)))
    try:
        yield starts
    finally:
        hook.remove()


def time_images(model: "LlavaRunner", count: int) -> float:
    """Return the milliseconds of encoding ``count`` squares of the model's own size together."""
    noise = np.random.default_rng(0).integers(0, 256, (model.side, model.side, 3), dtype=np.uint8)
    images = [Image.fromarray(noise)] * count
    start = now(model.device)
    model.encode(images)
    return 1000 * (now(model.device) - start)


def time_text(model: "LlavaRunner", count: int = 16) -> float:
    """Return the milliseconds of reading one question and writing one answer as text."""
    start = now(model.device)
    samples = model.samples([None] * count, [_QUESTION] * count, 1, None)
    for sample in samples:
        model.prompt.decode(sample.prompt.after[-2:])
    return 1000 * (now(model.device) - start) / count
