"""Several answers drawn per sample and rung: their mean score is what a rung is worth."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oracle.answering import check_branches
from oracle.batch import RungResult, decode_flops, rung_result, seconds_per_flop
from oracle.normalise import normalise
from oracle.samples import Sample

if TYPE_CHECKING:
    from budget.types import Answer
    from oracle.scoring import Scorer


@dataclass(frozen=True, slots=True)
class Drawn:
    """Answers drawn at a temperature, by numbers that depend on nothing but seed and sample.

    Of a rung's answers, ``answer`` is the most frequent one after normalisation, the first drawn
    where several are; ``confidence`` and ``flops`` are means, so that FLOPs and seconds are those
    of one answer.

    Attributes:
        number: answers per sample and rung.
        temperature: what logits are divided by.
        seed: other seeds draw other answers.

    Raises:
        ValueError: if the number is below 1, the temperature not above 0 or the seed negative.
    """

    number: int
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"the number of answers drawn must be at least 1, got {self.number}")
        if not (self.temperature > 0 and isfinite(self.temperature)):
            raise ValueError(f"temperature must be above 0 and finite, got {self.temperature}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the manifest says."""
        return {"rollouts": self.number, "temperature": self.temperature, "seed": self.seed}

    def check_model(self, model: Any) -> None:
        """Refuse a model that does not read all rungs at once.

        Raises:
            ValueError: names it.
        """
        check_branches(model, "--rollouts")

    def check_sample(self, sample: Sample) -> None:
        """Accept every sample."""

    def numbers(self, sample_id: str, *, steps: int, rungs: int) -> NDArray[np.float32]:
        """Return the numbers in [0, 1) that a sample's tokens are drawn by.

        They begin alike for any number of steps.

        Returns:
            Shape [steps, rungs, number].
        """
        name = int.from_bytes(sha256(sample_id.encode()).digest())
        # float32, because a float64 just below 1 would be rounded to 1 on the way to the model.
        rng = np.random.default_rng([self.seed, name])
        return rng.random((steps, rungs, self.number), dtype=np.float32)

    def run(
        self,
        model: Any,
        samples: Sequence[Sample],
        images: Sequence[Any],
        *,
        max_new_tokens: int,
        score: "Scorer",
    ) -> list[list[RungResult]]:
        """Run samples as one batch at every rung; return one list of rungs per sample."""
        import torch

        from budget.branch_decoding import Rollouts

        ladder = list(model.ladder)
        numbers = [
            self.numbers(sample.sample_id, steps=max_new_tokens, rungs=len(ladder))
            for sample in samples
        ]
        start = time.perf_counter()
        found = model.every_scale(
            images, [sample.question for sample in samples], batch_size=len(samples)
        ).answers(
            max_new_tokens=max_new_tokens,
            rollouts=Rollouts(self.number, self.temperature, torch.from_numpy(np.stack(numbers))),
        )
        seconds = time.perf_counter() - start
        decoding = [
            [
                sum(decode_flops(model, each, m, len(each.token_ids)) for each in drawn)
                for drawn, m in zip(rungs, ladder, strict=True)
            ]
            for rungs in found
        ]
        firsts = [[drawn[0] for drawn in rungs] for rungs in found]
        pace = seconds_per_flop(model, firsts, decoding, seconds)
        return [
            [_summed_up(model, drawn, m, pace) for drawn, m in zip(rungs, ladder, strict=True)]
            for rungs in found
        ]


def most_frequent(texts: Sequence[str]) -> str:
    """Return the text that most others equal after normalisation, as it was first written.

    Example:
        >>> most_frequent(["red", "Two.", "2", "blue"])
        'Two.'
    """
    plain = [normalise(text) for text in texts]
    # most_common keeps the order of first sight where counts are equal.
    return texts[plain.index(Counter(plain).most_common(1)[0][0])]


def _summed_up(
    model: Any, drawn: "Sequence[Answer]", num_visual_tokens: int, pace: float
) -> RungResult:
    each = [rung_result(model, answer, 0.0) for answer in drawn]
    flops, texts = fmean(one.flops for one in each), tuple(one.answer for one in each)
    # Margin and entropy are of the first token's distribution, which the draws share.
    return each[0]._replace(
        answer=most_frequent(texts),
        confidence=fmean(one.confidence for one in each),
        flops=flops,
        seconds=pace * flops,
        draws=texts,
    )
