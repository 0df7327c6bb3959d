"""Intervals of what shuffled features change: samples and shuffles are resampled together."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from budget.bootstrap import check_sizes, percentiles
from budget.stable import stable_scores
from policies.allocation import Sweep
from policies.frontier import gap_closed_area
from policies.hull import FloatArray, Frontier, hull_of

_BATCH = 50  # resamples that are counted together
_LEVEL = 0.95
_GAP_SHARE = 5  # of the resamples, one in so many measures the gap, which takes longer


class Estimate(NamedTuple):
    """A number with its 95 % interval.

    Attributes:
        value: over all samples and shuffles.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float


class Resampling(NamedTuple):
    """Resamples of samples and of shuffles, the same ones whenever they are gone through.

    Attributes:
        seed: of all of them.
        num_samples: n.
        draws: shuffles.
        resamples: of both.
    """

    seed: int
    num_samples: int
    draws: int
    resamples: int

    def counts(self, count: int | None = None) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield how often each sample [n] and each shuffle [draws] counts, resample by resample.

        Args:
            count: only so many of them; by default all.
        """
        rng = np.random.default_rng(self.seed)
        for _ in range(self.resamples if count is None else count):
            yield _counts(self.num_samples, rng), _counts(self.draws, rng)

    def means(self, tables: FloatArray) -> list[Estimate]:
        """Return the mean of each of t tables of a number per shuffle and sample.

        Args:
            tables: shape [t, draws, n].
        """
        check_sizes(self.num_samples, self.resamples, _LEVEL)
        tables = np.asarray(tables, dtype=np.float64)
        flat = tables.reshape(-1, self.num_samples).T
        drawn, counts = [], self.counts()
        while batch := list(islice(counts, _BATCH)):
            samples, shuffles = (np.array(column) for column in zip(*batch, strict=True))
            sums = (samples @ flat).reshape(len(batch), len(tables), self.draws)
            drawn.append(np.einsum("btd,bd->bt", sums, shuffles) / tables[0].size)
        columns = np.concatenate(drawn).T
        return [
            Estimate(float(table.mean()), *percentiles(column, _LEVEL))
            for table, column in zip(tables, columns, strict=True)
        ]


def _counts(size: int, rng: np.random.Generator) -> FloatArray:
    return np.bincount(rng.integers(size, size=size), minlength=size).astype(np.float64)


class ShuffledGaps:
    """How much less of the stable oracle's gain is closed once features are shuffled.

    Of the samples together with all their shuffled twins, so that it is the loss at the price that
    spends the same on average over the shuffles, and not a mean over lucky ones.

    Args:
        expected: what the rule chooses by, shape [n, k].
        scores: real scores, shape [n, k].
        tokens: that samples really take, shape [n, k].
        chosen_by: what the rule believes that rungs cost, shape [k].
        again: resamples, of which the gap takes a fifth.
    """

    def __init__(
        self,
        expected: FloatArray,
        scores: FloatArray,
        tokens: FloatArray,
        chosen_by: FloatArray,
        again: Resampling,
    ) -> None:
        self._scores, self._tokens, self._chosen_by = scores, tokens, chosen_by
        self._draws = again.draws
        once = np.ones(len(scores)), np.ones(again.draws)
        count = -(-again.resamples // _GAP_SHARE)
        own = Sweep(expected, scores, chosen_by, paid=tokens)
        oracle = Sweep(stable_scores(scores), scores, tokens)
        self._looks = [self._look(own, oracle, *counts) for counts in (once, *again.counts(count))]

    @property
    def closed(self) -> float:
        """Share that is closed as it is; NaN where the oracle gains nothing."""
        return self._looks[0].closed

    def lost(self, shuffled: FloatArray) -> Estimate:
        """Return how much less is closed.

        Args:
            shuffled: expected scores of every shuffle, shape [draws, n, k].
        """
        k = shuffled.shape[-1]
        sweep = Sweep(
            shuffled.reshape(-1, k),
            np.tile(self._scores, (self._draws, 1)),
            self._chosen_by,
            paid=np.tile(self._tokens, (self._draws, 1)),
        )
        drawn = [look.closed - look.gap(sweep.frontier(look.twins)) for look in self._looks]
        return Estimate(drawn[0], *percentiles(np.array(drawn[1:]), _LEVEL))

    def _look(
        self, own: Sweep, oracle: Sweep, samples: FloatArray, shuffles: FloatArray
    ) -> "_Look":
        costs = samples @ self._tokens / samples.sum()
        look = _Look(
            hull_of(costs, samples @ self._scores / samples.sum()),
            oracle.frontier(samples),
            float(costs.max()),
            np.outer(shuffles, samples).ravel(),
        )
        return look._replace(closed=look.gap(own.frontier(samples)))


class _Look(NamedTuple):
    """One resample: what a frontier on it is measured against.

    Attributes:
        hull: of the fixed scales.
        oracle: the stable one.
        full_cost: of the full scale.
        twins: how often every shuffled sample counts, shape [draws * n].
        closed: by the rule as it is.
    """

    hull: Frontier
    oracle: Frontier
    full_cost: float
    twins: FloatArray
    closed: float = float("nan")

    def gap(self, frontier: Frontier) -> float:
        return gap_closed_area(frontier, self.oracle, self.hull, self.full_cost)
