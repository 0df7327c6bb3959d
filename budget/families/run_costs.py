"""What answers of a model with a knob cost, and what its images cost before they are answered."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from threading import Lock
from typing import Any, NamedTuple

from PIL import Image as Pictures

from budget.families.measured_cost import (
    LanguageCost,
    count_flops,
    fit_vision,
    language_cost,
    whole_cost,
)
from budget.families.seen import Seen
from budget.types import Answer, Cost

REFERENCE = (640, 480)  # the picture whose costs stand for a scale where no picture is given

Size = tuple[int, int]


class ImageCost(NamedTuple):
    """What a picture costs at one rung.

    Attributes:
        num_visual_tokens: in the prompt.
        num_pixels: numbers that enter the vision encoder.
        num_around: tokens that the processor sets around the visual ones.
    """

    num_visual_tokens: int
    num_pixels: int
    num_around: int


class RunCosts:
    """Costs of one model, measured when they are first asked for.

    Args:
        model: of transformers.
        text_id: any token that is no placeholder.
        scales: caps of the ladder.
        see_every_scale: returns a picture at every rung.
        encode: runs the vision encoder over a picture seen under a cap.
        lock: held while the language model runs.
    """

    def __init__(
        self,
        model: Any,
        text_id: int,
        scales: Sequence[int],
        see_every_scale: Callable[[Any], list[Seen]],
        encode: Callable[[Seen, int], Any],
        lock: Lock,
    ) -> None:
        self._model, self._text_id, self._scales = model, text_id, list(scales)
        self._see, self._encode, self._lock = see_every_scale, encode, lock
        self.of_size = lru_cache(maxsize=4096)(self._of_size)

    def of_answer(self, answer: Answer) -> Cost:
        """Return what an answer took."""
        return self.of(answer.prompt_tokens, len(answer.token_ids), answer.vision_flops)

    def of(self, prompt: int, new_tokens: int, vision_flops: float) -> Cost:
        """Return the cost of a prompt of so many tokens and its answer."""
        new = max(new_tokens, 1)
        return whole_cost(self._language, prompt=prompt, new_tokens=new, vision_flops=vision_flops)

    def full_flops(self, answer: Answer, sizes: Sequence[Size]) -> float:
        """Return what an answer of the same length takes with its images at the last rung.

        What is set around visual tokens is taken to grow in proportion to them, from the first
        rung to the last.

        Args:
            answer: any.
            sizes: width and height of its images.
        """
        rungs = [self.of_size(size) for size in sizes]
        top = [each[-1] for each in rungs]
        tokens, most = answer.num_visual_tokens, sum(each.num_visual_tokens for each in top)
        grown = most - sum(each[0].num_visual_tokens for each in rungs)
        around = sum(each[-1].num_around - each[0].num_around for each in rungs)
        missing = round(around * (most - tokens) / grown) if grown else 0
        return self.of(
            answer.prompt_tokens - tokens + missing + most,
            len(answer.token_ids),
            sum(self.vision(each.num_pixels) for each in top),
        ).flops

    def _of_size(self, size: Size) -> list[ImageCost]:
        """Return, per rung, what any picture of a size costs; ``of_size`` remembers it."""
        seen = self._see(Pictures.new("RGB", size))
        return [
            ImageCost(each.num_visual_tokens, each.num_pixels, each.num_around) for each in seen
        ]

    @cached_property
    def _language(self) -> LanguageCost:
        with self._lock:
            return language_cost(self._model, self._text_id)

    @cached_property
    def vision(self) -> Callable[[int], float]:
        """FLOPs of an image by its numbers, measured at the first, a middle and the last rung."""
        k = len(self._scales)
        seen = self._see(Pictures.new("RGB", REFERENCE))
        rungs = sorted({0, k // 2, k - 1})
        flops = [count_flops(partial(self._encode, seen[r], self._scales[r])) for r in rungs]
        return fit_vision([seen[rung].num_pixels for rung in rungs], flops)
