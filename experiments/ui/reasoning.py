"""What moved a policy to its choice, in words."""

from typing import TYPE_CHECKING

from budget.budgets import Budget, BudgetPolicy
from budget.errors import PolicyError

if TYPE_CHECKING:
    from PIL.Image import Image


def sentence_of(policy: BudgetPolicy, image: "Image", question: str, budget: Budget | None) -> str:
    """Return what moved a policy; empty for one that sees more than features, or knows no others.

    Args:
        policy: of any tier.
        image: the picture.
        question: about it.
        budget: what was allowed; None for the policy's default.
    """
    from policies.contributions import contributions

    try:
        return contributions(policy, image, question, budget=budget).sentence
    except PolicyError:
        return ""
