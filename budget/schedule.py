"""Which prompts run together: the partition of a batch that a time model says is fastest.

Prompts of one length need no padding, but every call costs something of its own. Prompts are sorted
by length, and a dynamic programme over the places where groups end finds the best partition into
contiguous groups. Where padding costs by length alone none is better (of two groups, the longer one
may as well hold the longest prompts); "one call per number of visual tokens" and "one padded call
for all" are two of these partitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Times(Protocol):
    """What scheduling needs of a time model; nothing inherits from this."""

    @property
    def new_tokens(self) -> int:
        """Tokens that an answer is expected to have."""
        ...

    def batch_ms(self, rows: Any, length: Any, padded: Any, new_tokens: Any = None) -> Any:
        """Return what answering batches takes; see ``budget.time_model.TimeModel.batch_ms``."""
        ...


@dataclass(frozen=True, slots=True)
class CallsInTokens:
    """What batches take where nobody measured it, in the time of one token.

    Attributes:
        call: what a call costs beyond its tokens; of the shipped M3 on one core a prefill was
            measured at 80, one token more at 58.
        new_tokens: tokens that an answer is expected to have.
    """

    call: float = 64.0
    new_tokens: int = 2

    def batch_ms(self, rows: Any, length: Any, padded: Any, new_tokens: Any = None) -> Any:
        """Return what answering batches takes; padding costs as text does."""
        passes = self.new_tokens if new_tokens is None else new_tokens
        return passes * self.call + rows * (length + passes - 1) + 0 * padded


UNMEASURED = CallsInTokens()


def groups_of(
    lengths: Sequence[int], times: Times, *, batch_size: int, new_tokens: int
) -> list[list[int]]:
    """Return which prompts run together; see :func:`schedule`.

    Args:
        lengths: tokens of each prompt.
        times: what batches take.
        batch_size: prompts of a group, at most.
        new_tokens: tokens of every answer, at most.

    Example:
        >>> groups_of([9, 300, 8], UNMEASURED, batch_size=8, new_tokens=4)
        [[2, 0], [1]]
    """
    expected = min(times.new_tokens, new_tokens)
    return schedule(lengths, times=times, batch_size=batch_size, new_tokens=expected)


def schedule(
    lengths: Sequence[int], *, times: Times, batch_size: int, new_tokens: int | None = None
) -> list[list[int]]:
    """Return the groups of prompts that take the least time by ``times``.

    Args:
        lengths: tokens of each prompt.
        times: what batches take.
        batch_size: prompts of a group, at most.
        new_tokens: tokens of every answer; by default what ``times`` expects.

    Returns:
        Indices into ``lengths``, shortest prompts first; every prompt is in one group.

    Raises:
        ValueError: if ``batch_size`` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if not len(lengths):
        return []
    order = np.argsort(lengths, kind="stable")
    ends = _best_ends(np.asarray(lengths)[order], times, batch_size, new_tokens)
    return [rows.tolist() for rows in np.split(order, ends[:-1])]


def groups_ms(
    groups: Sequence[Sequence[int]],
    lengths: Sequence[int],
    *,
    times: Times,
    new_tokens: int | None = None,
) -> float:
    """Return the milliseconds that ``times`` says groups take together."""
    own = [[lengths[i] for i in rows] for rows in groups]
    rows = np.array([len(each) for each in own])
    longest = np.array([max(each) for each in own])
    padded = longest > [min(each) for each in own]
    return float(times.batch_ms(rows, longest, padded, new_tokens).sum())


def _best_ends(
    lengths: NDArray[np.int64], times: Times, batch_size: int, new_tokens: int | None
) -> list[int]:
    """Return where each group of rising lengths ends, the last one at n."""
    n = len(lengths)
    rows = np.arange(1, min(batch_size, n) + 1)
    start = np.arange(1, n + 1)[:, None] - rows  # of a group of so many rows that ends here
    padded = lengths[start.clip(min=0)] < lengths[:, None]
    costs = times.batch_ms(rows, lengths[:, None], padded, new_tokens)
    best, taken = np.zeros(n + 1), np.zeros(n + 1, dtype=np.int64)
    for end in range(1, n + 1):
        fitting = min(end, len(rows))
        totals = best[start[end - 1, :fitting]] + costs[end - 1, :fitting]
        taken[end] = 1 + totals.argmin()
        best[end] = totals[taken[end] - 1]
    ends = [n]
    while (previous := ends[-1] - int(taken[ends[-1]])) > 0:
        ends.append(previous)
    return ends[::-1]
