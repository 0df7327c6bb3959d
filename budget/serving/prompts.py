"""Whether a question fits into the model, known before it waits for its turn."""

from collections.abc import Sequence
from typing import Any, Protocol

from budget.budgets import Budget
from budget.errors import BudgetError, one_line
from budget.ladder import ScaleLadder
from budget.serving.errors import RequestError


class Runner(Protocol):
    """What is asked of a model here; ``budget.llava.LlavaRunner`` is one."""

    ladder: ScaleLadder

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a number of visual tokens that cannot be met exactly."""
        ...

    def count_grids(self, image: Any) -> int:
        """Return how many squares an image is seen in."""
        ...

    def count_text_tokens(self, question: Any, images: int = 1) -> int:
        """Return the length of a prompt without visual tokens, or refuse the conversation."""
        ...

    def samples(
        self, images: Any, questions: Any, num_visual_tokens: Any, features: None
    ) -> list[Any]:
        """Return what samples ask for, or refuse a prompt that is too long."""
        ...


class Meets(Protocol):
    """A policy that says which budgets it can meet; ``budget.trust.GuardedPolicy`` does."""

    def check_budget(self, budget: Budget) -> None:
        """Refuse a budget that cannot be met."""
        ...


def check_budget(runner: Runner, policy: Meets | None, budget: Budget | None) -> None:
    """Refuse a budget that the model or its policy cannot meet.

    Raises:
        RequestError: with what they can.
    """
    if budget is None or budget.given is None:
        return
    param = f"budget.{budget.given[0]}"
    try:
        if budget.num_visual_tokens is not None:
            runner.check_tokens(budget.num_visual_tokens)
        elif policy is not None:
            policy.check_budget(budget)
    except (ValueError, BudgetError) as problem:
        raise RequestError(
            f"{param}: {one_line(problem)}", param=param, code="invalid_value"
        ) from None


def check_scale(runner: Runner, num_visual_tokens: int, place: str) -> None:
    """Refuse an image's own number of visual tokens that the model cannot meet.

    Args:
        runner: the model.
        num_visual_tokens: of the image.
        place: of the image in the body.

    Raises:
        RequestError: with what it can.
    """
    try:
        runner.check_tokens(num_visual_tokens)
    except ValueError as problem:
        param = f"{place}.num_visual_tokens"
        raise RequestError(
            f"{param}: {one_line(problem)}", param=param, code="invalid_value"
        ) from None


def fitting_budgets(
    runner: Runner, images: Sequence[Any], chat: Any, budgets: Sequence[Budget | None]
) -> tuple[Budget | None, ...]:
    """Return budgets under which the prompt is not longer than the model reads.

    Where the largest scale would be too long, the images whose scale is not fixed are given the
    largest one that fits; then the policy is not asked.

    Args:
        runner: the model.
        images: the images of one request.
        chat: its conversation.
        budgets: one per image.

    Raises:
        RequestError: if the prompt is too long at the smallest scale, or the model's template
            refuses the conversation.
    """
    try:
        runner.count_text_tokens(chat, len(images))
    except ValueError as problem:
        raise RequestError(
            f"messages: {one_line(problem)}", param="messages", code="invalid_value"
        ) from None
    too_long: ValueError | None = None
    for scale in reversed(tuple(runner.ladder)):
        wanted = [_fixed(budget) or scale for budget in budgets]
        try:
            runner.samples([list(images)], [chat], [wanted], None)
        except ValueError as problem:
            too_long = problem
            continue
        if too_long is None:
            return tuple(budgets)
        return tuple(Budget(num_visual_tokens=m) for m in wanted)
    raise RequestError(
        f"messages: {one_line(too_long or ValueError('too long'))}",
        param="messages",
        code="context_length_exceeded",
    )


def _fixed(budget: Budget | None) -> int | None:
    return None if budget is None else budget.num_visual_tokens
