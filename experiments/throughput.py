"""Adaptive answers against always the full scale, and how batches of mixed scales are run.

The same batches are answered in several ways, one after the other, and the order turns from batch
to batch; a way's time is the sum over batches of medians over repeats. A decision is part of the
time of every way that takes one. Ways of one price differ in which prompts run together alone:

* ``group``: one call per number of visual tokens;
* ``pad``: one padded call for all;
* ``schedule``: what ``budget.schedule`` takes from the measured time model.

The images of a batch are encoded together in all of them.
"""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.adaptive import AdaptiveAnswer, AdaptiveVLM, Budget
from budget.schedule import CallsInTokens

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.budgets import BudgetPolicy
    from budget.llava import LlavaRunner
    from budget.samples import SampleFeatures
    from budget.time_model import TimeModel
    from budget.types import Answer

FULL = "full"
PLANS = ("group", "pad", "schedule")
_NEVER = 1e9  # tokens: more padding than any batch has, so that nothing is split to save it

Run = Callable[[Sequence["Image"], Sequence[str]], list[AdaptiveAnswer]]


class WayTimes(NamedTuple):
    """One way of answering all samples.

    Attributes:
        seconds: of each batch, medians over repeats, shape [batches].
        answers: one per sample, in order.
    """

    seconds: NDArray[np.float64]
    answers: list[AdaptiveAnswer]

    @property
    def decision_ms(self) -> float:
        """Milliseconds per sample that choosing took, the mean over samples."""
        return float(np.mean([answer.decision_ms for answer in self.answers]))


class PerScale:
    """A model whose batches are answered in one call per number of visual tokens.

    Args:
        model: the model that answers.
    """

    def __init__(self, model: "LlavaRunner") -> None:
        self.model, self.name, self.ladder = model, model.name, model.ladder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def answer(
        self,
        images: "Sequence[Image]",
        questions: Sequence[str],
        *,
        num_visual_tokens: Sequence[int],
        features: "Sequence[SampleFeatures] | None" = None,
        **options: Any,
    ) -> "list[Answer]":
        """Answer one question per image, in input order; see ``MatryoshkaVLM.answer``."""
        seen = self.model.encode(images) if features is None else features
        found: dict[int, Answer] = {}
        for m in set(num_visual_tokens):
            rows = [i for i, wanted in enumerate(num_visual_tokens) if wanted == m]
            answers = self.model.answer(
                [images[i] for i in rows],
                [questions[i] for i in rows],
                num_visual_tokens=m,
                features=[seen[i] for i in rows],
                **options,
            )
            found.update(zip(rows, answers, strict=True))
        return [found[i] for i in range(len(questions))]


def ways_of(
    model: "LlavaRunner",
    policy: "BudgetPolicy",
    prices: Mapping[str, float],
    *,
    times: "TimeModel",
    batch_size: int,
    max_new_tokens: int,
) -> dict[str, Run]:
    """Return every way by name: ``"full"``, and ``"<price's name> <plan>"`` for all pairs.

    Args:
        model: the model; its own ``times`` do not matter.
        policy: chooses the scales.
        prices: by name.
        times: what batches take, for ``full`` and for ``schedule``.
        batch_size: samples that run together, at most.
        max_new_tokens: longest answer, in tokens.
    """
    together, scheduled = copy.copy(model), copy.copy(model)
    together.times, scheduled.times = CallsInTokens(_NEVER), times
    runners = dict(zip(PLANS, (PerScale(together), together, scheduled), strict=True))

    def way(runner: Any, budget: Budget) -> Run:
        vlm = AdaptiveVLM(runner, policy)
        return lambda images, questions: vlm.answer(
            images,
            questions,
            budget=budget,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
        )

    adaptive = {
        f"{name} {plan}": way(runner, Budget(price=price))
        for name, price in prices.items()
        for plan, runner in runners.items()
    }
    return {FULL: way(scheduled, Budget(num_visual_tokens=model.ladder[-1])), **adaptive}


def time_ways(
    ways: Mapping[str, Run],
    images: "Sequence[Image]",
    questions: Sequence[str],
    *,
    batch_size: int,
    repeats: int,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, WayTimes]:
    """Answer all samples in every way, batch by batch.

    Args:
        ways: by name.
        images: n pictures.
        questions: n questions.
        batch_size: samples of a batch; a last one that is not full is left out.
        repeats: times that every batch is answered in every way.
        progress: called with (batches done, batches in all).

    Raises:
        ValueError: if there is no full batch, or no repeat.
    """
    batches = len(questions) // max(batch_size, 1)
    if min(batches, repeats, batch_size) < 1:
        raise ValueError(
            f"a bench needs a full batch and a repeat, got {len(questions)} samples in batches of "
            f"{batch_size} and {repeats} repeats"
        )
    names = list(ways)
    for way in ways.values():  # what is cached or loaded at first use
        way(images[:batch_size], questions[:batch_size])
    seconds = {name: np.empty((repeats, batches)) for name in names}
    answers: dict[str, list[AdaptiveAnswer]] = {name: [] for name in names}
    for number in range(repeats * batches):
        repeat, batch = divmod(number, batches)
        rows = slice(batch * batch_size, (batch + 1) * batch_size)
        for turn in range(len(names)):
            name = names[(number + turn) % len(names)]
            start = time.perf_counter()
            found = ways[name](images[rows], questions[rows])
            seconds[name][repeat, batch] = time.perf_counter() - start
            if not repeat:
                answers[name] += found
        progress(number + 1, repeats * batches)
    return {name: WayTimes(np.median(seconds[name], axis=0), answers[name]) for name in names}


def alone_ms(
    times: "TimeModel", answers: Sequence[AdaptiveAnswer], batch_size: int
) -> NDArray[np.float64]:
    """Return the milliseconds that a time model gives each sample in a full batch of its like.

    That is less than batches of mixed scales can take; decisions are not in it.

    Args:
        times: what batches take.
        answers: of n samples, whose lengths count.
        batch_size: samples that run together.

    Returns:
        Milliseconds per sample, images and text included, shape [n].
    """
    lengths = np.array([answer.prompt_tokens for answer in answers])
    new_tokens = np.array([len(answer.token_ids) for answer in answers])
    grids = answers[0].grids
    return times.sample_ms(batch_size, lengths, grids=grids, new_tokens=new_tokens)
