"""Permutation importance: what shuffling features among held-out samples changes and costs.

The columns of a group are shuffled together, so that within the group every sample has what some
sample really has; whatever links the group to the rest is broken (Breiman 2001, "Random forests";
Fisher, Rudin and Dominici 2019, for groups). A policy that does not look at a feature loses nothing
by it. Features that say the same thing stand in for each other, so that each alone seems to matter
less than they do together: compare groups first.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.choice_path import worthiest
from policies.allocation import relative_costs
from policies.contributions import rung_tokens
from policies.feature_groups import GROUPS, group_columns
from policies.features import current_schema
from policies.hull import FloatArray
from policies.lightgbm_policy import DEFAULT_PRICE, ScorePolicy
from policies.shuffling import Estimate, Resampling, ShuffledGaps

Progress = Callable[[int, int], object]


class Importance(NamedTuple):
    """What shuffling one group of features, or one feature, does.

    Attributes:
        name: of the group or feature.
        words: what it is; of a feature its name.
        num_columns: features that were shuffled together.
        changed: share of the samples that are given another scale, in [0, 1].
        moved: mean absolute change of log2 of the visual tokens chosen; 1 means that tokens double
            or halve.
        utility_lost: mean real score, less price times cost over that of the full scale, that is
            lost at the policy's price.
        gap_lost: share of the stable oracle's gain over fixed scales, over all prices, that is no
            longer closed; NaN where that oracle gains nothing or it was not asked for.
    """

    name: str
    words: str
    num_columns: int
    changed: Estimate
    moved: Estimate
    utility_lost: Estimate
    gap_lost: Estimate


class ImportanceTable(NamedTuple):
    """What matters to a policy's choices, most important first by the tokens moved.

    Attributes:
        price: at which choices are made.
        num_samples: that features were shuffled among.
        draws: of every shuffle.
        gap_closed: by the policy on these samples as they are; NaN where it means nothing.
        groups: one row a group of ``policies.feature_groups``.
        features: one row a feature; empty where they were not asked for.
    """

    price: float
    num_samples: int
    draws: int
    gap_closed: float
    groups: tuple[Importance, ...]
    features: tuple[Importance, ...]


def importance(
    policy: ScorePolicy,
    features: FloatArray,
    scores: FloatArray,
    rng: np.random.Generator,
    *,
    tokens: FloatArray | None = None,
    price: float | None = None,
    draws: int = 5,
    resamples: int = 1000,
    singles: bool = False,
    progress: Progress = lambda done, total: None,
) -> ImportanceTable:
    """Return what shuffling each group of features changes, on samples nothing was fitted on.

    Intervals are over resampled samples and shuffles together, and the same shuffles are used for
    all groups, so that groups are compared fairly.

    Args:
        policy: of tier pre.
        features: of the samples, shape [n, d].
        scores: their real scores, shape [n, k].
        rng: shuffles and resamples.
        tokens: visual tokens of the samples at every rung, shape [n, k], which the gap is measured
            on; by default what the policy's rungs cost.
        price: at which choices are made; by default the policy's "no-loss".
        draws: shuffles of every group.
        resamples: of the bootstrap; the gap takes a fifth.
        singles: also shuffle every feature by itself.
        progress: told how many shuffled groups of how many are done.

    Raises:
        ValueError: if shapes do not fit, there are fewer than two samples, or a number is not
            legal.
    """
    features, scores = np.asarray(features, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    at = policy.prices[DEFAULT_PRICE] if price is None else price
    _refuse(policy, features, scores, draws, at)
    paid = np.broadcast_to(rung_tokens(policy) if tokens is None else tokens, scores.shape)
    orders = np.array([rng.permutation(len(features)) for _ in range(draws)])
    again = Resampling(int(rng.integers(2**63)), len(features), draws, resamples)
    lab = _Shuffler(policy, features, scores, at, orders)
    gaps = ShuffledGaps(lab.expected, scores, paid, policy.rung_costs, again)
    columns = group_columns()
    jobs = [(each.name, each.words, columns[each.name]) for each in GROUPS]
    alone = [(name, name, np.array([i])) for i, name in enumerate(current_schema().names)]
    rows = []
    for job in (todo := [*jobs, *(alone if singles else [])]):
        rows.append(lab.row(*job, gaps, again))
        progress(len(rows), len(todo))
    return ImportanceTable(
        at,
        len(features),
        draws,
        gaps.closed,
        _most_first(rows[: len(jobs)]),
        _most_first(rows[len(jobs) :]),
    )


def _refuse(
    policy: ScorePolicy, features: FloatArray, scores: FloatArray, draws: int, price: float
) -> None:
    shapes = (len(features), len(current_schema())), (len(features), len(policy.ladder))
    if (features.shape, scores.shape) != shapes or len(features) < 2:
        raise ValueError(
            f"features [n, {shapes[0][1]}] and scores [n, {shapes[1][1]}] of at least two samples "
            f"are needed, got {features.shape} and {scores.shape}"
        )
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    if not 0 <= price < np.inf:
        raise ValueError(f"price must be a number of at least 0, got {price:g}")


def _most_first(rows: Sequence[Importance]) -> tuple[Importance, ...]:
    return tuple(sorted(rows, key=lambda row: -row.moved.value))


class _Shuffler:
    """What a policy makes of samples some of whose columns are other samples'.

    Args:
        policy: predicts and chooses.
        features: shape [n, d].
        scores: real ones, shape [n, k].
        price: at which choices are made.
        orders: whose columns each sample gets, shape [draws, n].
    """

    def __init__(
        self,
        policy: ScorePolicy,
        features: FloatArray,
        scores: FloatArray,
        price: float,
        orders: NDArray[np.int64],
    ) -> None:
        self._predict = policy.predictor.predict
        self._features, self._orders, self._price = features, orders, price
        self._relative = relative_costs(policy.rung_costs[None])[0]
        self._logs = np.log2(rung_tokens(policy))
        self._worth = scores - price * self._relative
        self._samples = np.arange(len(features))
        self.expected = self._predict(features)
        self._rungs = worthiest(self.expected, self._relative, price)

    def row(
        self,
        name: str,
        words: str,
        columns: NDArray[np.int64],
        gaps: ShuffledGaps,
        again: Resampling,
    ) -> Importance:
        """Return what shuffling the columns does."""
        shuffled = self._shuffled(columns)
        rungs = np.array([worthiest(each, self._relative, self._price) for each in shuffled])
        tables = np.array(
            [
                rungs != self._rungs,
                np.abs(self._logs[rungs] - self._logs[self._rungs]),
                self._worth[self._samples, self._rungs] - self._worth[self._samples, rungs],
            ]
        )
        changed, moved, lost = again.means(tables)
        return Importance(name, words, len(columns), changed, moved, lost, gaps.lost(shuffled))

    def _shuffled(self, columns: NDArray[np.int64]) -> FloatArray:
        """Return the expected scores of every draw, shape [draws, n, k]."""
        own = self._features[:, columns]
        if (own == own[0]).all():  # shuffling what is the same everywhere does nothing
            return np.broadcast_to(self.expected, (len(self._orders), *self.expected.shape))
        parts = []
        for order in self._orders:
            table = self._features.copy()
            table[:, columns] = own[order]
            parts.append(self._predict(table))
        return np.array(parts)
