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
            request is like all typical ones. The sum is ``own`` less the mean of ``usual``.
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
        players: columns of each of g groups; every column belongs to one.

    Raises:
        ValueError: if a column belongs to no group or to two.
    """
    _refuse_others_than_parts(players, len(row))
    playing = np.flatnonzero(_differing(row, background, players).any(axis=1)).tolist()
    own, usual = outputs(row[None])[0], outputs(background)
    values = _values(outputs, row, background, [players[i] for i in playing], own, usual)
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
        players: columns of each of g groups; every column belongs to one.

    Raises:
        ValueError: if a column belongs to no group or to two.
    """
    _refuse_others_than_parts(players, len(row))
    return _values(outputs, row, background, players, outputs(row[None])[0], outputs(background))


def _refuse_others_than_parts(players: Sequence[Columns], count: int) -> None:
    found = np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *players]))
    if not np.array_equal(found, np.arange(count)):
        raise ValueError(f"groups must part columns 0 to {count - 1}, got {found.tolist()}"[:300])


def _values(
    outputs: Outputs,
    row: FloatArray,
    background: FloatArray,
    players: Sequence[Columns],
    own: FloatArray,
    usual: FloatArray,
) -> FloatArray:
    """Return the values, given the outputs of the row and of the background."""
    count = len(background)
    bits = 1 << np.arange(len(players))
    telling = bits @ _differing(row, background, players).astype(np.int64)
    pairs = (np.arange(1 << len(players))[:, None] & telling) * count + np.arange(count)
    different, where = np.unique(pairs, return_inverse=True)
    coalition, typical = np.divmod(different, count)
    found = np.where((coalition == telling[typical])[:, None], own, usual[typical])
    # Columns in which nothing differs have a bit that is never set.
    owner = np.full(len(row), len(players))
    for i, columns in enumerate(players):
        owner[columns] = i
    unknown = np.flatnonzero((coalition != 0) & (coalition != telling[typical]))
    for start in range(0, len(unknown), _BATCH):
        part = unknown[start : start + _BATCH]
        is_own = coalition[part][:, None] >> owner & 1 == 1
        found[part] = outputs(np.where(is_own, row, background[typical[part]]))
    # Less the row's own outputs, so that rounding leaves nothing where nothing changes.
    means: FloatArray = own + (found - own)[where.reshape(pairs.shape)].mean(axis=1)
    return means
