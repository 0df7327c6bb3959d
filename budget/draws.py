"""Tokens drawn at random, each row of a batch from a stream of numbers of its own."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from budget.sampling import Generation

# The largest 32-bit number below 1: a number that rounds to 1 would lie behind every token.
_BELOW_ONE = 1 - 2**-24
# Smaller ones would be 0 in 32 bits.
_COLDEST = 1e-30


class Drawn(NamedTuple):
    """Tokens of the rows that are not greedy.

    Attributes:
        places: which rows of the batch as it is now, length s.
        tokens: the token of each, shape [s].
    """

    places: list[int]
    tokens: torch.Tensor


class Draws:
    """Draws next tokens; one number per row and step, from the row's own seed.

    So a row's numbers do not depend on its batch. Its tokens do as far as its logits do: padding
    changes their last bits, which matters to a number that is a millionth from the next token's.

    Args:
        generations: how each row of the first batch is generated.
    """

    def __init__(self, generations: Sequence[Generation]) -> None:
        self.generations = generations
        self._numbers = {
            i: np.random.Generator(np.random.PCG64(_entropy(each.seed)))
            for i, each in enumerate(generations)
            if not each.greedy
        }

    def draw(self, logits: torch.Tensor, rows: Sequence[int]) -> Drawn | None:
        """Draw a token for each row that is not greedy; None if there is no such row.

        Args:
            logits: shape [b, vocabulary].
            rows: which rows of the first batch these b are.
        """
        if not self._numbers:
            return None
        places = [place for place, row in enumerate(rows) if row in self._numbers]
        if not places:
            return None
        own = [self.generations[rows[place]] for place in places]
        numbers = [self._numbers[rows[place]].random() for place in places]
        probs = tempered(logits[places].float(), [each.temperature for each in own])
        if any(each.top_p < 1 for each in own):
            probs = nucleus(probs, [each.top_p for each in own])
        return Drawn(places, pick(probs, numbers))


def tempered(logits: torch.Tensor, temperatures: Sequence[float]) -> torch.Tensor:
    """Return probabilities at a temperature per row, shape [b, vocabulary].

    Example:
        >>> tempered(torch.tensor([[2.0, 1.0]]), [1e-60]).tolist()
        [[1.0, 0.0]]
    """
    # Less the largest first: a small temperature would otherwise make every logit infinite.
    rest = logits - logits.amax(dim=-1, keepdim=True)
    divisors = torch.tensor([max(t, _COLDEST) for t in temperatures], device=logits.device)
    return (rest / divisors[:, None]).softmax(dim=-1)


def nucleus(probs: torch.Tensor, top_p: Sequence[float]) -> torch.Tensor:
    """Zero what does not belong to the most probable tokens that reach ``top_p`` together.

    Args:
        probs: shape [b, vocabulary].
        top_p: per row, in (0, 1]; 1 keeps all.

    Returns:
        Shape [b, vocabulary]; rows no longer sum to 1.

    Example:
        >>> nucleus(torch.tensor([[0.25, 0.5, 0.125, 0.125]]), [0.7]).tolist()
        [[0.25, 0.5, 0.0, 0.0]]
    """
    limits = torch.tensor([p if p < 1 else math.inf for p in top_p], device=probs.device)
    ordered = probs.sort(dim=-1, descending=True).values
    kept = ordered.cumsum(dim=-1) - ordered < limits[:, None]
    least = ordered.masked_fill(~kept, math.inf).amin(dim=-1, keepdim=True)
    return probs.masked_fill(probs < least, 0)


def pick(probs: torch.Tensor, numbers: Sequence[float]) -> torch.Tensor:
    """Return the token that each number in [0, 1) falls on, in the vocabulary's order; shape [b].

    Not in the order of probability: there two tokens of nearly the same probability would change
    places from batch to batch.

    Example:
        >>> pick(torch.tensor([[0.25, 0.0, 0.75]] * 2), [0.2, 0.3]).tolist()
        [0, 2]
    """
    sums = probs.cumsum(dim=-1)
    wanted = torch.tensor([min(u, _BELOW_ONE) for u in numbers], device=probs.device)
    tokens = torch.searchsorted(sums, wanted[:, None] * sums[:, -1:], right=True)[:, 0]
    return tokens.clamp(max=probs.shape[-1] - 1)


def _entropy(seed: int | None) -> int | None:
    """Return a seed as numpy takes it, which knows none below 0."""
    return None if seed is None else int(seed) % 2**64
