"""What moved a policy to its choice, in words."""

from typing import TYPE_CHECKING, Any

from budget.budgets import Budget

if TYPE_CHECKING:
    from PIL.Image import Image


def sentence_of(policy: Any, image: "Image", question: str, budget: Budget | None) -> str:
    """Return what moved a policy, in words; empty if it cannot be told for this policy.

    Args:
        policy: of any tier.
        image: the picture.
        question: about it.
        budget: what was allowed; None for the policy's default.
    """
    return ""
