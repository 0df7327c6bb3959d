"""One request mixed with typical ones: some groups of its features, the rest theirs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray
from policies.shapley import shapley_values

_BATCH = 4096  # rows that are predicted together
Outputs = Callable[[FloatArray], FloatArray]
Columns = NDArray[np.int64]


class Explained(NamedTuple):
    """What led from typical outputs to those of one request.

    Attributes:
        own: outputs of the request, shape [c].
        usual: those of typical requests, shape [b, c].
        added: what each group of features added, shape [g, c]; exactly 0 for a group in which the
            request is like all typical ones. The sum is ``own`` less the mean of ``usual``, if
            every column in which they differ belongs to a group.
    """

    own: FloatArray
    usual: FloatArray
    added: FloatArray


def explain(
    outputs: Outputs, row: FloatArray, background: FloatArray, players: Sequence[Columns]
) -> Explained:
    """Return what each group of a row's features adds to the outputs, over those of a background.

    Interventional Shapley values: a coalition's value is the mean output over the background's
    rows, each with the coalition's columns taken from ``row``.

    Args:
        outputs: maps features [n, d] to c numbers each, [n, c].
        row: shape [d].
        background: shape [b, d].
        players: columns of each of g groups, none in two.
    """
    playing = np.flatnonzero(_differing(row, background, players).any(axis=1)).tolist()
    own, usual = outputs(row[None])[0], outputs(background)
    values = coalition_values(outputs, row, background, [players[i] for i in playing])
    # Predictions of a row may differ in the last digits with how many are predicted together.
    values[0], values[-1] = usual.mean(axis=0), own
    added = np.zeros((len(players), len(own)))
    added[playing] = shapley_values(values)
    return Explained(own, usual, added)


def _differing(
    row: FloatArray, background: FloatArray, players: Sequence[Columns]
) -> NDArray[np.bool_]:
    """Say in which groups the row differs from each typical request, shape [g, b]."""
    found = np.zeros((len(players), len(background)), dtype=bool)
    for place, columns in enumerate(players):
        found[place] = (background[:, columns] != row[columns]).any(axis=1)
    return found


def coalition_values(
    outputs: Outputs, row: FloatArray, background: FloatArray, players: Sequence[Columns]
) -> FloatArray:
    """Return the mean outputs of every coalition, shape [2^g, c].

    Where a typical request has the same features as the row in a group, coalitions with and without
    that group are the same request; each is looked at once.

    Args:
        outputs: maps features [n, d] to c numbers each, [n, c].
        row: shape [d].
        background: shape [b, d].
        players: columns of each of g groups.
    """
    count, differs = len(background), _differing(row, background, players)
    telling = (1 << np.arange(len(players))) @ differs.astype(np.int64)
    coalitions = np.arange(1 << len(players))
    pairs = (coalitions[:, None] & telling) * count + np.arange(count)
    different, where = np.unique(pairs, return_inverse=True)
    owner = np.full(len(row), len(players))  # columns of no group have a bit that is never set
    for i, columns in enumerate(players):
        owner[columns] = i
    parts = []
    for start in range(0, len(different), _BATCH):
        coalition, typical = np.divmod(different[start : start + _BATCH], count)
        is_own = coalition[:, None] >> owner & 1 == 1
        parts.append(outputs(np.where(is_own, row, background[typical])))
    every: FloatArray = np.concatenate(parts)[where.reshape(pairs.shape)]
    means: FloatArray = every.mean(axis=1)
    return means
