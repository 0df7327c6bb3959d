"""How long a policy takes to decide: features, prediction and choice, on one thread."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from budget.budgets import Decision

if TYPE_CHECKING:
    from PIL.Image import Image

SQUARE = (336, 336)
SCREEN = (1920, 1080)
BATCH = 64
_PICTURES = 16
_WARM_UP = 10
_QUESTIONS = (
    "What color is the car on the left?",
    "How many people are there?",
    "What does the red sign say?",
    "Is there a yellow flower in the picture?",
    "Which of the two towers is taller?\nA. the left one\nB. the right one",
    "Why is the street empty?",
    "Where is the white cup?",
    "Describe the scene.",
)


class Decides(Protocol):
    """What is measured; nothing inherits from this."""

    def choose(self, images: "Sequence[Image | bytes]", questions: Sequence[str]) -> Decision:
        """Choose a rung per sample, its images decoded or the bytes of files."""
        ...


class Latency(NamedTuple):
    """Milliseconds of one kind of request.

    Attributes:
        p50: wall time, median.
        p99: wall time, 99th percentile.
        cpu_p50: time on the processor, median; less than ``p50`` where others were let in between.
    """

    p50: float
    p99: float
    cpu_p50: float


class DecisionTimes(NamedTuple):
    """What deciding takes.

    Attributes:
        square: one decoded image of 336 x 336.
        screen: one decoded image of 1920 x 1080.
        jpeg: the bytes of one JPEG of 1920 x 1080.
        batch: 64 decoded images of 336 x 336.
    """

    square: Latency
    screen: Latency
    jpeg: Latency
    batch: Latency


def time_decisions(
    policy: Decides,
    *,
    repeats: int,
    rng: np.random.Generator,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> DecisionTimes:
    """Measure a policy's decisions on photographs, on one thread.

    Args:
        policy: chooses rungs for images, or for the bytes of JPEGs.
        repeats: requests of every kind; batches are a tenth.
        rng: draws the photographs' windows.
        progress: told how many kinds of how many are done.
    """
    from threadpoolctl import threadpool_limits

    squares = list(photographs(SQUARE, _PICTURES, rng))
    screens = list(photographs(SCREEN, _PICTURES, rng))
    files = [_as_jpeg(image) for image in screens]
    batch = max(1, repeats // 10)
    kinds = ((squares, 1, repeats), (screens, 1, repeats), (files, 1, repeats))
    found = []
    with threadpool_limits(limits=1):
        for pictures, size, count in (*kinds, (squares, BATCH, batch)):
            found.append(_latency(policy, pictures, size, count))
            progress(len(found), len(DecisionTimes._fields))
    return DecisionTimes(*found)


def photographs(size: tuple[int, int], count: int, rng: np.random.Generator) -> "Iterator[Image]":
    """Yield windows of scikit-learn's two sample photographs, brought to one size."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    photos = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    for i in range(count):
        photo = photos[i % len(photos)]
        left, top = (int(rng.integers(0, side // 3)) for side in photo.size)
        box = (left, top, left + photo.width // 2, top + photo.height // 2)
        yield photo.resize(size, Image.Resampling.BICUBIC, box=box)


def _as_jpeg(image: "Image") -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def _latency(
    policy: Decides, pictures: "Sequence[Image | bytes]", size: int, count: int
) -> Latency:
    """Time requests of ``size`` pictures each; no question comes twice."""
    wall, processor = [], []
    for request in range(-_WARM_UP, count):
        place = range(request * size, (request + 1) * size)
        images = [pictures[i % len(pictures)] for i in place]
        questions = [f"{_QUESTIONS[i % len(_QUESTIONS)]} ({size}, {i})" for i in place]
        start, on_processor = time.perf_counter(), time.thread_time()
        policy.choose(images, questions)
        wall.append(1e3 * (time.perf_counter() - start))
        processor.append(1e3 * (time.thread_time() - on_processor))
    wall, processor = wall[_WARM_UP:], processor[_WARM_UP:]
    p50, p99 = (float(np.percentile(wall, share)) for share in (50, 99))
    return Latency(p50, p99, float(np.median(processor)))
