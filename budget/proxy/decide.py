"""Which rung each image of a request gets, and why."""

from collections.abc import Sequence
from io import BytesIO
from typing import Protocol

from PIL import Image

from budget.budgets import Budget, Decision
from budget.fallbacks import NO_POLICY, OUTLIER
from budget.ladder import ScaleLadder
from budget.proxy.chat_request import ChatRequest

_BY_DETAIL = {"low": 0, "high": -1, "original": -1}


class FilePolicy(Protocol):
    """A policy that is content with the bytes of image files, as those of tier pre are."""

    @property
    def ladder(self) -> ScaleLadder:
        """The scales that the policy's rungs index."""
        ...

    def choose(
        self, images: Sequence[bytes], questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose a rung per image."""
        ...


class UntrustedError(Exception):
    """A choice that is not trusted; its text is why, a reason as ``budget.fallbacks`` has them."""


class NoPolicy:
    """Stands where a policy could not be read: ``detail`` still chooses, all else goes unchanged.

    Args:
        num_rungs: how many rungs there are knobs for.
    """

    def __init__(self, num_rungs: int) -> None:
        self.ladder = ScaleLadder(tuple(range(1, num_rungs + 1)))

    def choose(
        self, images: Sequence[bytes], questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose nothing.

        Raises:
            UntrustedError: always.
        """
        raise UntrustedError(NO_POLICY)


def rungs_by_detail(chat: ChatRequest, num_rungs: int) -> list[int | None]:
    """Return the rung of every image whose ``detail`` asks for one, None for the others.

    ``low`` is the first rung, ``high`` and ``original`` are the last; ``auto`` leaves the choice to
    the policy, as what is not known does.
    """
    found = [_BY_DETAIL.get(image.detail) for image in chat.images]
    return [None if rung is None else rung % num_rungs for rung in found]


def rungs_by_policy(
    policy: FilePolicy, files: Sequence[bytes], question: str, budget: Budget | None
) -> list[int]:
    """Return the rung that a policy chooses for each image under one question.

    Raises:
        UntrustedError: if the policy says that it does not know such requests, or if its own choice
            was replaced for one of the reasons of ``budget.fallbacks``.
        ValueError: if what it returns is not one rung of its ladder for each image.
        Exception: whatever the policy raises.
    """
    decision = policy.choose(files, [question] * len(files), budget=budget)
    if replaced := [why for why in decision.fallbacks if why]:
        raise UntrustedError(replaced[0])
    if decision.outliers is not None and decision.outliers.any():
        raise UntrustedError(OUTLIER)
    rungs = [int(rung) for rung in decision.rungs]
    if len(rungs) != len(files) or not all(0 <= rung < len(policy.ladder) for rung in rungs):
        raise ValueError(f"the policy chose rungs {rungs} for {len(files)} images")
    return rungs


def warm_up(policy: FilePolicy, budget: Budget | None) -> None:
    """Let a policy choose once, so that no request pays for what is done only the first time.

    Raises:
        PolicyError: if the policy cannot meet the budget; it is better known before any request.
    """
    buffer = BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    policy.choose([buffer.getvalue()], ["What is this?"], budget=budget)
