"""How much of the any-correct oracle is luck: it gets a try at every scale and keeps the best.

Three estimates, all within groups, all of right and wrong and no more:

* ``independent_tries`` keeps every scale's accuracy in every group and shuffles which samples are
  right, scale by scale. What an any-correct oracle then reaches is what as many tries as there are
  scales give to one who learns nothing from the sample. It is an upper end, not a share: real
  tries fail on the same hard samples.
* ``lucky_guesser`` shuffles, scale by scale, only among the samples that are wrong at some larger
  scale, and leaves the others as they are. It knows what the stable oracle knows, and where a
  larger scale is wrong it guesses, right as often as the model is there. What it gains over the
  full scale, set against what the any-correct oracle gains, is the part of that gain which needs
  no knowledge: at 1 or more luck explains it all; above 1 the answers that are right by the way
  fall on the same samples more often than by chance.
* ``KnowsOrGuesses`` reads luck off the falls. A sample that is wrong at a larger scale is taken
  not to know the answer at any smaller one, so that being right there is a guess; how often that
  happens is the scale's guessing rate, and with it the classical correction for guessing
  (Lord & Novick 1968, chapter 14) turns each scale's accuracy into the share that knows.

The third assumes that more tokens never know less, that within a group those who do not know
guess right equally often, and that the full scale, of which no larger one tells, guesses as often
as the next smaller. Where larger scales do real harm, it calls that luck as well.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.bootstrap import Interval, percentiles
from budget.stable import stable_scores
from oracle.curves import Curves


class Reach(NamedTuple):
    """What an oracle reaches and costs: accuracy in [0, 1] and visual tokens per sample."""

    accuracy: float
    mean_tokens: float


class Draws(NamedTuple):
    """An oracle of shuffled answers, and where 95 % of the permutations lie."""

    mean: Reach
    accuracy: Interval
    mean_tokens: Interval


def any_correct(right: NDArray[np.bool_], tokens: NDArray[np.float64]) -> Reach:
    """Return M3's oracle: the cheapest right scale, the cheapest of all where none is right.

    Args:
        right: shape [n, k], cheapest scale first.
        tokens: visual tokens, shape [n, k].

    Example:
        >>> any_correct(np.array([[False, True], [False, False]]), np.array([[1, 9], [1, 9]]))
        Reach(accuracy=0.5, mean_tokens=5.0)
    """
    # argmax of a boolean row is its first True, and 0, the cheapest, where there is none.
    charged = np.take_along_axis(tokens, right.argmax(axis=1)[:, None], axis=1)
    return Reach(float(right.any(axis=1).mean()), float(charged.mean()))


def independent_tries(
    curves: Curves,
    rng: np.random.Generator,
    *,
    threshold: float = 0.5,
    permutations: int = 200,
) -> Draws:
    """Return the any-correct oracle of tries that share each scale's accuracy and nothing else.

    Args:
        curves: scores and tokens at every rung.
        rng: where the permutations come from.
        threshold: score from which an answer counts as right.
        permutations: how often every group's samples are shuffled anew, at every rung.

    Raises:
        ValueError: if there are no permutations.
    """
    right = curves.scores >= threshold
    return _shuffled(curves, right, np.ones_like(right), rng, permutations)


def lucky_guesser(
    curves: Curves,
    rng: np.random.Generator,
    *,
    threshold: float = 0.5,
    permutations: int = 200,
) -> Draws:
    """Return the any-correct oracle of one who guesses wherever a larger scale is wrong.

    Args:
        curves: scores and tokens at every rung.
        rng: where the permutations come from.
        threshold: score from which an answer counts as right.
        permutations: how often the answers below a wrong one are shuffled anew.

    Raises:
        ValueError: if there are no permutations.
    """
    right = curves.scores >= threshold
    return _shuffled(curves, right, _wrong_later(right), rng, permutations)


def _shuffled(
    curves: Curves,
    right: NDArray[np.bool_],
    free: NDArray[np.bool_],
    rng: np.random.Generator,
    permutations: int,
) -> Draws:
    """Return the any-correct oracle once ``right`` is shuffled, by group and rung, where free."""
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, got {permutations}")
    tokens = curves.num_visual_tokens.astype(np.float64)
    members = [curves.groups == name for name in np.unique(curves.groups)]
    places = [
        (np.flatnonzero(own & free[:, rung]), rung)
        for own in members
        for rung in range(curves.num_rungs)
    ]
    reached = np.empty((permutations, 2))
    shuffled = right.copy()
    for row in reached:
        for rows, rung in places:
            shuffled[rows, rung] = rng.permutation(right[rows, rung])
        row[:] = any_correct(shuffled, tokens)
    accuracy, mean_tokens = reached.mean(axis=0).tolist()
    spread = [percentiles(column, 0.95) for column in reached.T]
    return Draws(Reach(accuracy, mean_tokens), *spread)


class KnowsOrGuesses:
    """The any-correct oracle without its guesses, as a statistic that can be resampled.

    Args:
        curves: scores and tokens at every rung.
        threshold: score from which an answer counts as right.
    """

    def __init__(self, curves: Curves, threshold: float = 0.5) -> None:
        right = curves.scores >= threshold
        wrong_later = _wrong_later(right)
        tokens = curves.num_visual_tokens
        columns = (np.ones((len(right), 1)), right, wrong_later, right & wrong_later, tokens)
        names, home = np.unique(curves.groups, return_inverse=True)
        self._k = curves.num_rungs
        self._order = np.argsort(home, kind="stable")
        self._starts = np.searchsorted(home[self._order], np.arange(len(names)))
        self._sums_of = np.hstack(columns).astype(np.float64)[self._order]

    def known(self, counts: NDArray[np.float64] | None = None) -> Reach:
        """Return the oracle that knows, on all samples or on a resample of them.

        Args:
            counts: how often each sample counts, shape [n]; None for once.
        """
        table = self._sums_of if counts is None else self._sums_of * counts[self._order][:, None]
        sums = np.add.reduceat(table, self._starts, axis=0)
        sums = sums[sums[:, 0] > 0]  # a resample may leave a small group out
        n = sums[:, :1]
        right, later, lucky, tokens = np.split(sums[:, 1:], 4, axis=1)
        knows = _share_that_knows(right / n, later, lucky)
        newly = np.diff(knows, axis=1, prepend=0.0)
        newly[:, 0] += 1 - knows[:, -1]  # who never knows is charged the cheapest, as M3 does
        weights = n[:, 0] / n.sum()
        spent = (newly * tokens / n).sum(axis=1)
        return Reach(float(weights @ knows[:, -1]), float(weights @ spent))


def _wrong_later(right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where some larger rung is wrong, shape [n, k]; nowhere at the last."""
    for_good = stable_scores(right) > 0
    return np.column_stack([~for_good[:, 1:], np.zeros(len(right), dtype=np.bool_)])


def _share_that_knows(
    accuracy: NDArray[np.float64], later: NDArray[np.float64], lucky: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of each group, [groups, k], that knows the answer at each rung.

    Args:
        accuracy: share that is right.
        later: samples wrong at some larger rung; none at the last.
        lucky: those of them that are right at the rung.
    """
    guesses = np.divide(lucky, later, out=np.zeros_like(lucky), where=later > 0)
    if guesses.shape[1] > 1:
        guesses[:, -1] = guesses[:, -2]
    sure = guesses >= 1  # then all may be guesses, and no share can be told: none is known
    knows = np.where(sure, 0.0, (accuracy - guesses) / np.where(sure, 1.0, 1 - guesses))
    # Noise aside it cannot fall: who knows at a rung is taken to know at all larger ones.
    return np.maximum.accumulate(np.clip(knows, 0.0, 1.0), axis=1)
