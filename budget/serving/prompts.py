"""Whether a question fits into the model, known before it waits for its turn."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from budget.budgets import Budget
from budget.errors import BudgetError, one_line
from budget.ladder import ScaleLadder
from budget.serving.errors import RequestError
from budget.splitting import refuse_too_small


class Runner(Protocol):
    """What is asked of a model here; those of ``load_model`` can it."""

    ladder: ScaleLadder

    def check_tokens(self, num_visual_tokens: int) -> None:
        """Refuse a scale that the model cannot be run at."""
        ...

    def realised(self, image: Any) -> list[int]:
        """Return the visual tokens that an image costs at every rung."""
        ...

    def tokens_at(self, image: Any, num_visual_tokens: int) -> int:
        """Return the visual tokens that an image costs at any scale."""
        ...

    def count_text_tokens(self, question: Any, images: int = 1) -> int:
        """Return the length of a prompt without visual tokens, or refuse the conversation."""
        ...

    def check_fits(self, images: Any, question: Any, scales: Any) -> None:
        """Refuse a prompt that is too long."""
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
    rung, wanted = _largest_that_fits(runner, images, chat, budgets)
    if rung == len(runner.ladder) - 1:
        return tuple(budgets)
    return tuple(Budget(num_visual_tokens=m) for m in wanted)


def fitting_total(runner: Runner, images: Sequence[Any], chat: Any, total: int) -> Budget:
    """Return a total for all images under which the prompt is not longer than the model reads.

    Where the largest scale would be too long for all images, the total is at most what they take
    at the largest one that fits.

    Args:
        runner: the model.
        images: the images of one request, at least one.
        chat: its conversation.
        total: that the request asks for.

    Raises:
        RequestError: if the total is less than the images take at their cheapest; else as
            :func:`fitting_budgets`.
    """
    rung, _ = _largest_that_fits(runner, images, chat, [None] * len(images))
    tokens = np.array([runner.realised(image) for image in images])
    try:
        refuse_too_small(tokens, total)
    except ValueError as problem:
        param = "budget.total_visual_tokens"
        raise RequestError(
            f"{param}: {one_line(problem)}", param=param, code="invalid_value"
        ) from None
    if rung < len(runner.ladder) - 1:
        total = min(total, int(tokens[:, rung].sum()))
    return Budget(total_visual_tokens=total)


def _largest_that_fits(
    runner: Runner, images: Sequence[Any], chat: Any, budgets: Sequence[Budget | None]
) -> tuple[int, list[int]]:
    """Return the largest rung at which a prompt is not too long, and then each image's scale."""
    try:
        runner.count_text_tokens(chat, len(images))
    except ValueError as problem:
        raise RequestError(
            f"messages: {one_line(problem)}", param="messages", code="invalid_value"
        ) from None
    too_long = ValueError("too long")
    for rung, scale in reversed(list(enumerate(runner.ladder))):
        wanted = [_fixed(budget) or scale for budget in budgets]
        try:
            runner.check_fits(images, chat, wanted)
            return rung, wanted
        except ValueError as problem:
            too_long = problem
    raise RequestError(
        f"messages: {one_line(too_long)}", param="messages", code="context_length_exceeded"
    )


def tokens_by_scale(runner: Runner, image: Any, budget: Budget | None) -> dict[int, int]:
    """Return the visual tokens that an image costs at every rung, and at its fixed scale."""
    found = dict(zip(runner.ladder, runner.realised(image), strict=True))
    fixed = _fixed(budget)
    if fixed is not None and fixed not in found:
        found[fixed] = runner.tokens_at(image, fixed)
    return found


def _fixed(budget: Budget | None) -> int | None:
    return None if budget is None else budget.num_visual_tokens
