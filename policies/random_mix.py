"""The baseline that meets any mean cost by chance: two fixed scales, mixed at random."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from budget.budgets import Budget, Decision
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies.allocation import IntArray
from policies.hull import FloatArray, fixed_hull

if TYPE_CHECKING:
    from PIL.Image import Image


class Mix(NamedTuple):
    """Two rungs and how often the second is drawn.

    Attributes:
        low: the cheaper rung.
        high: the dearer rung; the same one if no mixing is needed.
        share: probability of ``high``, in [0, 1].
    """

    low: int
    high: int
    share: float


def best_mix(costs: FloatArray, scores: FloatArray, mean_cost: float) -> Mix:
    """Return the mix of fixed scales with the best mean score at a mean cost.

    Args:
        costs: cost of every rung, shape [k], rising.
        scores: mean score of every rung, shape [k].
        mean_cost: what a sample may cost on average, in the unit of ``costs``.

    Raises:
        ValueError: if not even the cheapest rung fits into ``mean_cost``.

    Example:
        >>> best_mix(np.array([1.0, 4.0, 9.0]), np.array([0.5, 0.5, 0.9]), 3.0)
        Mix(low=0, high=2, share=0.25)
    """
    costs = np.asarray(costs, dtype=np.float64)
    if mean_cost < costs[0]:
        raise ValueError(f"mean cost must be at least {costs[0]:g}, got {mean_cost:g}")
    corners = fixed_hull(costs, scores).costs
    rungs = np.searchsorted(costs, corners)
    at = int(np.searchsorted(corners, mean_cost, side="right")) - 1
    if at == len(corners) - 1:
        return Mix(int(rungs[at]), int(rungs[at]), 0.0)
    share = (mean_cost - corners[at]) / (corners[at + 1] - corners[at])
    return Mix(int(rungs[at]), int(rungs[at + 1]), float(share))


class RandomMixPolicy:
    """Draw each sample's scale at random so that a mean is met; images and questions are ignored.

    Args:
        ladder: the model's scales.
        scores: mean score of every rung, shape [k], measured on other data.
        mean_tokens: visual tokens per image on average, unless a budget says otherwise.
        rng: where the draws come from.
        rung_tokens: mean visual tokens of every rung, rising, shape [k]; by default the scales.

    Raises:
        ValueError: if there is not one score per rung, and one number of tokens.
    """

    def __init__(
        self,
        ladder: ScaleLadder,
        scores: FloatArray,
        mean_tokens: float,
        rng: np.random.Generator,
        rung_tokens: FloatArray | None = None,
    ) -> None:
        tokens = ladder.scales if rung_tokens is None else rung_tokens
        if np.shape(scores) != (len(ladder),):
            raise ValueError(f"one score per rung of {tuple(ladder)} is needed, got {scores}")
        if np.shape(tokens) != (len(ladder),):
            raise ValueError(f"one number of tokens per rung is needed, got {tokens}")
        self.ladder = ladder
        self.mean_tokens = mean_tokens
        self._scores = np.asarray(scores, dtype=np.float64)
        self._tokens = np.asarray(tokens, dtype=np.float64)
        self._rng = rng

    def choose(
        self, images: "Sequence[Image]", questions: Sequence[str], *, budget: Budget | None = None
    ) -> Decision:
        """Choose at random; the scores are those of the fixed scales.

        Raises:
            PolicyError: if the budget is no scale and no mean of tokens, or the mean is below the
                cheapest scale.
        """
        rungs = self._draw(len(questions), budget or Budget())
        return Decision(rungs, np.tile(self._scores, (len(questions), 1)))

    def _draw(self, count: int, budget: Budget) -> IntArray:
        if budget.given and budget.given[0] not in ("num_visual_tokens", "mean_tokens"):
            name, value = budget.given
            raise PolicyError(f"a random mix takes a mean of tokens, not {name} = {value}")
        if budget.num_visual_tokens is not None:
            rung = self.ladder.rung_of(budget.num_visual_tokens)
            return np.full(count, rung, dtype=np.int64)
        try:
            mix = best_mix(self._tokens, self._scores, budget.mean_tokens or self.mean_tokens)
        except ValueError as error:
            raise PolicyError(str(error)) from error
        return np.where(self._rng.random(count) < mix.share, mix.high, mix.low).astype(np.int64)
