"""Answer at a small scale, look at the answer, go up or stop: what such a policy gives and takes.

described = policy.describe(images, questions)
rungs = policy.start(described)                 # answer there, keep what was tried
moves = policy.next(described, tried)           # a dearer rung, or STOP: the last answer stands
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

    from budget.budgets import Budget
    from budget.ladder import ScaleLadder

STOP = -1


class AnswerLike(Protocol):
    """What a policy looks at; ``budget.types.Answer`` is one."""

    @property
    def text(self) -> str:
        """The generated answer."""
        ...

    @property
    def confidence(self) -> float:
        """Mean log-probability of the generated tokens, natural log."""
        ...

    @property
    def margin(self) -> float:
        """Probability of the first token less that of the next best; NaN if unknown."""
        ...

    @property
    def entropy(self) -> float:
        """Of the first token's distribution, in nats; NaN if unknown."""
        ...


class Tried(NamedTuple):
    """One answer that a sample was given.

    Attributes:
        rung: index into the ladder that it was given at.
        answer: the answer and how sure the model was.
    """

    rung: int
    answer: AnswerLike


class EscalationPolicy(Protocol):
    """What the runtime needs of a policy that goes up; nothing inherits from this.

    Rungs only rise, so a sample is done after as many answers as the ladder has rungs at most.

    A policy may also have a method ``scores(described)``, what it expects of every rung before any
    answer [n, k], which answers then show; and an attribute ``needs_encoded`` that is true, if it
    must see what the vision encoder found: then ``describe_encoded(images, questions, features=,
    words=)`` is called in the place of ``describe``, with what the model's ``encode`` and
    ``embed_questions`` gave.
    """

    @property
    def ladder(self) -> "ScaleLadder":
        """The scales that the policy's rungs index."""
        ...

    def describe(
        self, images: "Sequence[Image | bytes]", questions: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return what the policy sees before anything was answered, one row a sample.

        It is computed once and handed to :meth:`start` and :meth:`next`.
        """
        ...

    def start(
        self, described: NDArray[np.float64], *, budget: "Budget | None" = None
    ) -> NDArray[np.int64]:
        """Return the rung that each sample is first answered at, shape [n]."""
        ...

    def next(
        self,
        described: NDArray[np.float64],
        tried: Sequence[Sequence[Tried]],
        *,
        budget: "Budget | None" = None,
    ) -> NDArray[np.int64]:
        """Return the rung that each sample is answered at next, or STOP, shape [n].

        Args:
            described: rows of :meth:`describe`; those of samples that are still on their way.
            tried: what each of them was answered so far, cheapest rung first, at least one.
            budget: the one that :meth:`start` was given.
        """
        ...
