"""What a caller says of how an answer is made: how it is drawn, where it ends, who listens.

model.answer([image], ["Why?"], num_visual_tokens=36, generation=Generation(temperature=0.7))
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Generation:
    """How one answer is generated.

    Attributes:
        max_new_tokens: tokens generated at most, the stop token included.
        temperature: what logits are divided by before a token is drawn; 0 takes the most probable.
        top_p: tokens are drawn among the most probable ones that together reach this probability,
            in (0, 1]; those that are as probable as the last of them count too.
        seed: the same seed draws the same numbers, whatever batch the sample is in; any integer.
            None draws others every time.
        stop: texts that end the answer, which is cut before the first of them.

    Raises:
        ValueError: if a value is not legal.

    Example:
        >>> Generation(temperature=0.7, seed=1, stop=("END",)).greedy
        False
    """

    max_new_tokens: int = 16
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _is(Integral, self.max_new_tokens) or self.max_new_tokens < 1:
            raise ValueError(
                f"max_new_tokens must be an integer of at least 1, got {self.max_new_tokens!r}"
            )
        if not _is(Real, self.temperature) or not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature must be finite and at least 0, got {self.temperature!r}")
        if not _is(Real, self.top_p) or not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must lie in (0, 1], got {self.top_p!r}")
        if self.seed is not None and not _is(Integral, self.seed):
            raise ValueError(f"seed must be an integer or None, got {self.seed!r}")
        if not isinstance(self.stop, tuple) or not all(
            isinstance(text, str) and text for text in self.stop
        ):
            raise ValueError(f"stop must be a tuple of texts that are not empty, got {self.stop!r}")

    @property
    def greedy(self) -> bool:
        """Whether the most probable token is taken, so that nothing is drawn."""
        return self.temperature == 0


class Listener(Protocol):
    """Who follows answers while they are made, called on the thread that makes them.

    A sample whose listener raises is cancelled; the error goes to the log (logger ``budget``), and
    the other samples' answers come as if nothing had happened.
    """

    def text(self, i: int, piece: str) -> None:
        """Take new text of sample ``i``.

        Pieces are never empty. Together they are the ``text`` of the sample's answer, unless the
        sample is cancelled. A piece comes as soon as no later token can change or cut it: it
        holds no half character, no beginning of a stop text, and no space that may be the last.
        """
        ...

    def cancelled(self, i: int) -> bool:
        """Return whether sample ``i`` is no longer wanted; asked before every step of it."""
        ...


def one_per_sample(
    generation: Generation | Sequence[Generation], count: int
) -> Sequence[Generation]:
    """Return how each of some samples is generated.

    Raises:
        ValueError: if there is not one per sample.
    """
    if isinstance(generation, Generation):
        return [generation] * count
    if len(generation) != count:
        raise ValueError(f"got {len(generation)} generations for {count} questions")
    return generation


def _is(kind: type, value: object) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
