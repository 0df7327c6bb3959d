"""Which rungs a sample may have been answered at so far, and what that and one more answer cost."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from policies.hull import FloatArray

Tries = tuple[int, ...]  # rungs that were tried, rising


class Spending(NamedTuple):
    """How tries are charged and how many are allowed.

    Attributes:
        costs: of an answer at each rung, over that of the last rung, shape [k].
        kept_cache: the tokens of a smaller rung are part of the larger one's and stay in the
            cache (MQT), so going up costs the difference; else every try is paid in full (M3).
        max_tries: answers a sample is given at most.
        cap: what all tries of a sample may cost at most, over the cost of the full rung.
        again: of a kept cache, what every further try pays for the text behind the picture, which
            is read again; over the cost of the full rung.
    """

    costs: FloatArray
    kept_cache: bool
    max_tries: int
    cap: float
    again: float = 0.0

    def step(self, tried: Tries, rung: int) -> float:
        """Return what one more answer at ``rung`` costs."""
        kept = self.costs[tried[-1]] - self.again if self.kept_cache and tried else 0.0
        return float(self.costs[rung] - kept)

    def spent(self, tried: Tries) -> float:
        """Return what these tries cost together."""
        return sum(self.step(tried[:i], rung) for i, rung in enumerate(tried))

    def next_rungs(self, tried: Tries) -> list[int]:
        """Return the rungs that may be tried next; any one may be the first."""
        if len(tried) >= self.max_tries:
            return []
        above = range(tried[-1] + 1 if tried else 0, len(self.costs))
        spent = self.spent(tried)
        return [r for r in above if not tried or spent + self.step(tried, r) <= self.cap + 1e-12]

    def unfinished(self) -> list[Tries]:
        """Return every set of tries after which one more may follow, the longest way up first.

        What may follow a set comes before it, so values can be worked out in this order.
        """
        num_rungs = len(self.costs)
        every = [
            tried
            for count in range(min(self.max_tries, num_rungs))
            for tried in combinations(range(num_rungs), count)
        ]
        found = [tried for tried in every if self._within_cap(tried) and self.next_rungs(tried)]
        return sorted(found, key=lambda tried: (-(tried[-1] if tried else -1), -len(tried)))

    def _within_cap(self, tried: Tries) -> bool:
        return all(rung in self.next_rungs(tried[:i]) for i, rung in enumerate(tried))


def spending(
    costs: Sequence[float] | FloatArray,
    *,
    kept_cache: bool = False,
    max_tries: int = 3,
    cap: float = np.inf,
    again: float = 0.0,
) -> Spending:
    """Return checked spending.

    Args:
        costs: of an answer at each rung, rising, shape [k], in any unit; what is paid once and at
            every rung alike (the vision encoder) left out.
        kept_cache: going up costs the difference of two rungs.
        max_tries: answers a sample is given at most, at least 1.
        cap: largest cost of all tries of a sample over that of the full rung, at least 1: so the
            full rung can always be tried first. 1.1 means never more than a tenth beyond it.
        again: what every further try with a kept cache pays for text that is read again, in the
            unit of ``costs``, at least 0.

    Raises:
        ValueError: if a number is not legal.

    Example:
        >>> spending([1, 4, 16], max_tries=3, cap=1.1).next_rungs((0, 1))
        []
        >>> spending([1, 4, 16], max_tries=3, kept_cache=True).next_rungs((0, 1))
        [2]
    """
    table = np.asarray(costs, dtype=np.float64)
    if table.ndim != 1 or not table.size or not (np.diff(table, prepend=0.0) > 0).all():
        raise ValueError(f"costs must rise from above 0, got {table.tolist()}")
    if max_tries < 1:
        raise ValueError(f"max_tries must be at least 1, got {max_tries}")
    if not cap >= 1:
        raise ValueError(f"cap must be at least 1, got {cap:g}")
    if not 0 <= again < np.inf:
        raise ValueError(f"again must be finite and at least 0, got {again:g}")
    return Spending(table / table[-1], kept_cache, max_tries, float(cap), again / float(table[-1]))


def transitions(rule: Spending) -> Iterator[tuple[Tries, list[int]]]:
    """Yield every set of tries that one more may follow, with the rungs that may."""
    for tried in rule.unfinished():
        yield tried, rule.next_rungs(tried)
