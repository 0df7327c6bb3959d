"""Say in words why a policy took a rung."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from budget.budgets import Budget
from budget.options import scaled
from budget.splitting import counted


def explain(scores: NDArray[np.float64], rung: int, scales: Sequence[int], budget: Budget) -> str:
    """Return in words why a policy that predicts ``scores`` took ``rung``.

    Example:
        >>> from budget.risk import Risk
        >>> explain(np.array([0.4, 0.93, 0.94]), 1, (1, 9, 144), Budget())
        'expected score less price x cost is highest here: 0.93 at 9 tokens against 0.94 at 144'
        >>> explain(np.array([0.4, 0.6, 0.9]), 2, (1, 9, 144), Budget(mean_tokens=64))
        'highest expected score, within a mean of 64 tokens: 0.90 at 144 tokens'
        >>> explain(np.array([0.9, 0.6]), 0, (1, 9), Budget(risk=Risk(0.01, 0.1)))
        'highest expected score, with a loss of at most 0.01 with probability 0.9: 0.90 at 1 tokens'
    """
    limit = _limit(budget)
    here = f"{scores[rung]:.2f} at {scales[rung]} tokens"
    best = int(scores.argmax())
    if scores[rung] >= scores[best]:
        return f"highest expected score{limit}: {here}"
    there = f"{scores[best]:.2f} at {scales[best]}"
    return f"expected score less price x cost is highest here{limit}: {here} against {there}"


def explain_split(
    score: float | None, scale: int, total: int, num_images: int, why_even: str = ""
) -> str:
    """Return in words why one image of several was given a scale under a total for all.

    Args:
        score: what is expected of the image there; None where the total was split evenly.
        scale: of the image.
        total: visual tokens that all images may take together.
        num_images: how many they are.
        why_even: why it was split evenly, if it was.

    Example:
        >>> explain_split(0.9, 144, 2304, 8)
        'highest sum of expected scores within 2,304 tokens over 8 images: 0.90 at 144 tokens here'
        >>> explain_split(None, 144, 2304, 8, "no scores to go by")
        '2,304 tokens over 8 images, split evenly (no scores to go by): 144 tokens here'
    """
    allowed = f"{total:,} tokens over {counted(num_images)}"
    if score is None:
        return f"{allowed}, split evenly ({why_even}): {scale} tokens here"
    return f"highest sum of expected scores within {allowed}: {score:.2f} at {scale} tokens here"


def _limit(budget: Budget) -> str:
    """Return in words what the caller allows."""
    if budget.price is not None:
        return f", at price {budget.price:g}"
    if budget.mean_tokens is not None:
        return f", within a mean of {budget.mean_tokens:g} tokens"
    if budget.mean_flops is not None:
        (number,), unit = scaled([budget.mean_flops], "FLOPs")
        return f", within a mean of {number} {unit}"
    if budget.mean_ms is not None:
        return f", within a mean of {budget.mean_ms:g} ms"
    return f", with {budget.risk}" if budget.risk is not None else ""
