"""What a caller allows, what a policy makes of it, and the Protocols between the two."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from budget.ladder import ScaleLadder
from budget.risk import Risk

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Budget:
    """What the caller allows; at most one field is set, none means the policy's default.

    Attributes:
        num_visual_tokens: the same scale for every sample; the policy is not asked.
        price: expected score that the full scale's cost must be worth, at least 0.
        mean_tokens: visual tokens per image to stay at on average, more than 0.
        mean_flops: FLOPs per sample, all parts, to stay at on average, more than 0.
        mean_ms: milliseconds per sample, as the policy was calibrated, to stay at on average.
        total_visual_tokens: most visual tokens of all images of one prompt together, split over
            them by what the policy expects of each; see ``budget.splitting``. It belongs to a
            sample, never to one of its images.
        risk: how much score may be lost against the full scale, and how sure that must be.

    Raises:
        ValueError: if more than one field is set, or a value is not legal.

    Example:
        >>> Budget(mean_tokens=64).given
        ('mean_tokens', 64)
        >>> print(Budget(risk=Risk(epsilon=0.01, delta=0.05)).risk)
        a loss of at most 0.01 with probability 0.95
    """

    num_visual_tokens: int | None = None
    price: float | None = None
    mean_tokens: float | None = None
    mean_flops: float | None = None
    mean_ms: float | None = None
    risk: Risk | None = None
    total_visual_tokens: int | None = None

    def __post_init__(self) -> None:
        if len(self._all_given()) > 1:
            raise ValueError(
                f"a budget takes one of tokens, price, a mean of tokens, FLOPs or milliseconds, "
                f"risk, and a total of tokens, got {self}"
            )
        for name in ("num_visual_tokens", "total_visual_tokens"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"{name} must be at least 1, got {number}")
        if self.price is not None and not 0 <= self.price < math.inf:
            raise ValueError(f"price must be finite and at least 0, got {self.price}")
        for name in ("mean_tokens", "mean_flops", "mean_ms"):
            mean = getattr(self, name)
            if mean is not None and not 0 < mean < math.inf:
                raise ValueError(f"{name} must be finite and above 0, got {mean}")
        if self.risk is not None and not isinstance(self.risk, Risk):
            raise ValueError(f"risk must be a Risk(epsilon, delta), got {self.risk!r}")

    @property
    def given(self) -> "tuple[str, float | Risk] | None":
        """The name and the value of the field that is set, if one is."""
        found = self._all_given()
        return found[0] if found else None

    def _all_given(self) -> "list[tuple[str, float | Risk]]":
        fields = ((name, getattr(self, name)) for name in self.__slots__)
        return [(name, value) for name, value in fields if value is not None]


class Decision(NamedTuple):
    """A policy's choice for a batch.

    Attributes:
        rungs: index into the ladder per sample, shape [n].
        scores: predicted score in [0, 1] of every sample at every rung, shape [n, n_rungs].
        note: what else there is to say of the batch, in words.
        outliers: which samples are unlike all that the policy was calibrated on, shape [n]; None
            where it does not know.
        fallbacks: per sample why the policy's own choice was not taken, empty where it was: one of
            ``budget.fallbacks.REASONS``. Empty as a whole where nobody looked.
        details: per sample what went wrong, in words; as many as ``fallbacks``. One sample's are
            not for the eyes of who asked about another.
    """

    rungs: NDArray[np.int64]
    scores: NDArray[np.float64]
    note: str = ""
    outliers: NDArray[np.bool_] | None = None
    fallbacks: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


class BudgetPolicy(Protocol):
    """What the runtime needs of a policy; nothing inherits from this."""

    @property
    def ladder(self) -> ScaleLadder:
        """The scales that the policy's rungs index."""
        ...

    def choose(
        self, images: Sequence["Image"], questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose a rung per sample; ``None`` means the policy's default budget."""
        ...


@runtime_checkable
class EncodedPolicy(BudgetPolicy, Protocol):
    """A policy that also sees what the vision encoder found (tier post-vision).

    It is asked after the encoder, which is run once whatever is chosen.
    """

    def choose_encoded(
        self,
        images: Sequence["Image"],
        questions: Sequence[str],
        *,
        features: Sequence["torch.Tensor"],
        words: Sequence["torch.Tensor"],
        budget: Budget | None = None,
    ) -> Decision:
        """Choose a rung per sample.

        Args:
            images: n pictures.
            questions: n questions.
            features: what the model's ``encode`` gave for each picture.
            words: what its ``embed_questions`` gave for each question.
            budget: ``None`` means the policy's default.
        """
        ...


@dataclass(frozen=True, slots=True)
class FullScale:
    """The policy that saves nothing: every sample gets the largest scale and score 1 is promised.

    Attributes:
        ladder: the model's scales.
    """

    ladder: ScaleLadder

    def choose(
        self, images: Sequence["Image"], questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose the last rung for every sample, whatever the budget."""
        shape = (len(questions), len(self.ladder))
        return Decision(np.full(shape[0], shape[1] - 1, dtype=np.int64), np.ones(shape))
