"""The baseline that spends the same on every sample."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from budget.budgets import Budget, Decision
from budget.errors import PolicyError
from budget.ladder import ScaleLadder

if TYPE_CHECKING:
    from PIL.Image import Image


class FixedPolicy:
    """Give every sample the same scale.

    Args:
        ladder: the model's scales.
        num_visual_tokens: the scale to use; the largest by default.

    Raises:
        ValueError: if ``num_visual_tokens`` is not a scale of the ladder.
    """

    def __init__(self, ladder: ScaleLadder, num_visual_tokens: int | None = None) -> None:
        self.ladder = ladder
        self.num_visual_tokens = num_visual_tokens or ladder[len(ladder) - 1]
        ladder.rung_of(self.num_visual_tokens)

    def choose(
        self, images: "Sequence[Image]", questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose the fixed scale; a budget may name another or a mean that it must fit into.

        The scores are 1 at the chosen rung and 0 elsewhere: nothing is predicted.

        Raises:
            PolicyError: if the budget is no scale and no mean of tokens, or none fits into that.
        """
        rung = self._rung(budget or Budget())
        scores = np.zeros((len(questions), len(self.ladder)))
        scores[:, rung] = 1.0
        return Decision(np.full(len(questions), rung, dtype=np.int64), scores)

    def _rung(self, budget: Budget) -> int:
        if budget.given and budget.given[0] not in ("num_visual_tokens", "mean_tokens"):
            name, value = budget.given
            raise PolicyError(f"a fixed policy predicts no scores, so no {name} = {value}")
        if budget.mean_tokens is not None:
            fitting = [i for i, m in enumerate(self.ladder) if m <= budget.mean_tokens]
            if not fitting:
                raise PolicyError(
                    f"mean_tokens must be at least {self.ladder[0]}, got {budget.mean_tokens:g}"
                )
            return fitting[-1]
        return self.ladder.rung_of(budget.num_visual_tokens or self.num_visual_tokens)
