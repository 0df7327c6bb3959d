"""A greedy search for the best split of visual tokens over one sample's images, with the answers.

Rung r of a ladder stands for a total: what all images take together at that rung. The search
starts with every image at the cheapest rung and raises one image at a time by one rung: of all
raises that stay within the total, the one that gains most score per token, and among those that
gain equally most confidence per token. Where none stays within the total, the next rung's total
counts. It ends at full scale, or as soon as some split within the total in hand is answered
perfectly, for more tokens cannot be better than that.

It knows the right answers, so what it finds is an upper reference and nothing that a policy could
do; and as it asks many times and keeps the best, part of what it finds is luck.
"""

from collections.abc import Sequence
from typing import NamedTuple

Rungs = tuple[int, ...]

PERFECT = 1.0


class Tried(NamedTuple):
    """A split that was answered.

    Attributes:
        rungs: of each image.
        tokens: visual tokens of all images together.
        score: of the answer, in [0, 1].
        confidence: of the answer.
    """

    rungs: Rungs
    tokens: int
    score: float
    confidence: float


class Climb:
    """The search of one sample.

    Args:
        tokens: visual tokens of each of its n images at each of k rungs.
        uniform: score and confidence with all images at one rung, for each of the k rungs.

    Attributes:
        totals: visual tokens that each rung stands for, length k.
        tried: all splits that were answered, those with all images at one rung first.
    """

    def __init__(
        self, tokens: Sequence[Sequence[int]], uniform: Sequence[tuple[float, float]]
    ) -> None:
        self._tokens = [list(row) for row in tokens]
        self._next = [_next_rungs(row) for row in self._tokens]
        self.totals = [sum(column) for column in zip(*self._tokens, strict=True)]
        self.tried: dict[Rungs, Tried] = {}
        for rung, (score, confidence) in enumerate(uniform):
            self.note((rung,) * len(self._tokens), score, confidence)
        self._at: Rungs = (0,) * len(self._tokens)
        self._within = 0

    def note(self, rungs: Rungs, score: float, confidence: float) -> None:
        """Take what came of a split."""
        tokens = sum(row[rung] for row, rung in zip(self._tokens, rungs, strict=True))
        self.tried[rungs] = Tried(rungs, tokens, score, confidence)

    def wanted(self) -> list[Rungs]:
        """Return the splits that must be answered before the search goes on; none at its end."""
        while self._within < len(self.totals) and not self._is_solved():
            raises = self._raises()
            if unknown := [rungs for rungs in raises if rungs not in self.tried]:
                return unknown
            if raises:
                self._at = max(raises, key=self._worth)
            else:
                self._within += 1
        return []

    def best(self) -> list[Tried]:
        """Return the best split within each rung's total: by score, confidence, fewest tokens."""
        return [
            max(self._within_total(total), key=lambda t: (t.score, t.confidence, -t.tokens))
            for total in self.totals
        ]

    def _within_total(self, total: int) -> list[Tried]:
        return [each for each in self.tried.values() if each.tokens <= total]

    def _is_solved(self) -> bool:
        found = self._within_total(self.totals[self._within])
        return any(each.score >= PERFECT for each in found)

    def _raises(self) -> list[Rungs]:
        """Return the splits one rung above the present one that stay within the total."""
        found = []
        for i, rung in enumerate(self._at):
            if (higher := self._next[i][rung]) is not None:
                raised = (*self._at[:i], higher, *self._at[i + 1 :])
                tokens = sum(row[r] for row, r in zip(self._tokens, raised, strict=True))
                found += [raised] if tokens <= self.totals[self._within] else []
        return found

    def _worth(self, rungs: Rungs) -> tuple[float, float]:
        here, there = self.tried[self._at], self.tried[rungs]
        more = there.tokens - here.tokens
        return (there.score - here.score) / more, (there.confidence - here.confidence) / more


def _next_rungs(tokens: Sequence[int]) -> list[int | None]:
    """Return, for every rung, the next one that takes more tokens; None where there is none."""
    return [
        next((j for j in range(i + 1, len(tokens)) if tokens[j] > tokens[i]), None)
        for i in range(len(tokens))
    ]
