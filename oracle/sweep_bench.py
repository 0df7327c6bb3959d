"""What a sweep saves: the same samples at every scale in four ways, measured in turn.

* ``authors_way``: one sample and one scale at a time, the picture read and encoded again each time,
  as M3's own evaluation does.
* ``per_scale``: the same in batches, one pass over the data a scale.
* ``sweep``: this package's way, every scale at once.
* ``full_pass``: the largest scale alone, in batches.

Every way reads its pictures from the data itself, as often as it needs them.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from oracle.batch import RungResult, run_batch

if TYPE_CHECKING:
    from budget.llava import LlavaRunner

WAYS = ("authors_way", "per_scale", "sweep", "full_pass")


class SweepTimes(NamedTuple):
    """What was measured; all seconds are per sample.

    Attributes:
        seconds: of each way, one number per round.
        floor_over_full: FLOPs that every scale takes at least (vision once, text before the image
            once a batch, nested tokens once, everything else once a scale) over those of the
            largest scale alone, on the first round's samples; tokens that were really generated
            count in both.
        same_answers: share of answers in which the sweep and the passes per scale agree.
        samples: measured in each round.
    """

    seconds: dict[str, list[float]]
    floor_over_full: float
    same_answers: float
    samples: int

    def median(self, way: str) -> float:
        """Return the median over rounds of one way."""
        return float(np.median(self.seconds[way]))

    def ratio(self, way: str, other: str) -> tuple[float, float, float]:
        """Return median, least and largest ratio of two ways, each of the same round."""
        ratios = np.divide(self.seconds[way], self.seconds[other])
        return float(np.median(ratios)), float(ratios.min()), float(ratios.max())


def time_sweep(
    model: "LlavaRunner",
    read: Callable[[int], Any],
    questions: Sequence[str],
    *,
    batch_size: int,
    rounds: int,
    max_new_tokens: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> SweepTimes:
    """Measure the four ways.

    Args:
        model: with every scale of its ladder.
        read: returns the picture of a sample, decoded anew at every call.
        questions: of as many samples as there are in all rounds, or fewer: then they are used
            again.
        batch_size: samples of a round, and of a batch of every way but the first.
        rounds: measurements; the order of the ways turns from round to round.
        max_new_tokens: longest answer, in tokens.
        progress: called with (measurements done, measurements in all).

    Raises:
        ValueError: if there is no round, no sample in a batch, or no question.
    """
    if min(batch_size, rounds, len(questions)) < 1:
        raise ValueError(
            f"a bench needs at least one round, sample and question, got {rounds} rounds of "
            f"{batch_size} and {len(questions)} questions"
        )
    ways = _ways(model, read, questions, max_new_tokens)
    for way in WAYS[1:]:  # what is cached or loaded at first use
        ways[way]([0])
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    same: list[bool] = []
    for number in range(rounds):
        rows = [(number * batch_size + i) % len(questions) for i in range(batch_size)]
        answers: dict[str, Any] = {}
        for turn in range(len(WAYS)):
            way = WAYS[(number + turn) % len(WAYS)]
            start = time.perf_counter()
            answers[way] = ways[way](rows)
            seconds[way].append((time.perf_counter() - start) / batch_size)
            progress(number * len(WAYS) + turn + 1, rounds * len(WAYS))
        for together, alone in zip(answers["sweep"], answers["per_scale"], strict=True):
            same += [one == other.answer for one, other in zip(alone, together, strict=True)]
    floor = _floor_over_full(model, read, questions[:batch_size], max_new_tokens)
    return SweepTimes(seconds, floor, float(np.mean(same)), batch_size)


def _ways(
    model: "LlavaRunner", read: Callable[[int], Any], questions: Sequence[str], new: int
) -> dict[str, Callable[[list[int]], Any]]:
    """Return what each way does with some samples."""

    def asked(rows: list[int]) -> list[str]:
        return [questions[row] for row in rows]

    def at(rows: list[int], m: int) -> list[str]:
        images = [read(row) for row in rows]
        found = model.answer(
            images,
            asked(rows),
            num_visual_tokens=m,
            max_new_tokens=new,
            batch_size=len(rows),
        )
        return [answer.text for answer in found]

    def authors_way(rows: list[int]) -> None:
        for m in model.ladder:
            for row in rows:
                at([row], m)

    def per_scale(rows: list[int]) -> list[tuple[str, ...]]:
        return list(zip(*(at(rows, m) for m in model.ladder), strict=True))

    def sweep(rows: list[int]) -> list[list[RungResult]]:
        return run_batch(model, [read(row) for row in rows], asked(rows), max_new_tokens=new)

    def full_pass(rows: list[int]) -> None:
        at(rows, model.ladder[-1])

    return dict(zip(WAYS, (authors_way, per_scale, sweep, full_pass), strict=True))


def _floor_over_full(
    model: "LlavaRunner", read: Callable[[int], Any], questions: Sequence[str], new: int
) -> float:
    images = [read(row) for row in range(len(questions))]
    answers = model.answer_every_scale(images, questions, max_new_tokens=new)
    floor = sum(model.every_scale_flops(rungs, sharing=len(answers)) for rungs in answers)
    full = 0.0
    for *_, last in answers:
        text = last.prompt_tokens - last.num_visual_tokens
        new_tokens = len(last.token_ids)
        full += model.cost(model.ladder[-1], text, new_tokens, grids=last.grids).flops
    return floor / full
