"""Exact Shapley values: what each player adds, averaged over all orders in which they may come."""

from math import factorial

import numpy as np
from numpy.typing import NDArray

from policies.hull import FloatArray

MOST_PLAYERS = 16


def shapley_values(values: FloatArray) -> FloatArray:
    """Return what each of g players adds to the value of all, over that of none.

    Exact, by all coalitions (Shapley 1953, "A value for n-person games"): what a player adds to a
    coalition counts by how many orders of the players have just that coalition before it. The sum
    over the players is the value of all less that of none.

    Args:
        values: of every coalition, shape [2^g] or [2^g, c] for c games at once. Coalition number
            ``s`` holds player ``i`` where bit ``i`` of ``s`` is set.

    Returns:
        Shape [g] or [g, c].

    Raises:
        ValueError: if there are not 2^g coalitions, g from 0 to 16.

    Example:
        >>> shapley_values(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
        [2.0, 3.0]
    """
    values = np.asarray(values, dtype=np.float64)
    players = len(values).bit_length() - 1
    if len(values) != 1 << max(players, 0) or players > MOST_PLAYERS:
        raise ValueError(
            f"values must be of 2^g coalitions of at most {MOST_PLAYERS} players, got {len(values)}"
        )
    coalitions = np.arange(len(values))
    weights = _weights(players)[sizes(coalitions)].reshape(-1, *[1] * (values.ndim - 1))
    found = np.empty((players, *values.shape[1:]))
    for i in range(players):
        without = coalitions[(coalitions >> i & 1) == 0]
        added = values[without | 1 << i] - values[without]
        found[i] = (weights[without] * added).sum(axis=0)
    return found


def sizes(coalitions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many players each coalition holds."""
    return np.bitwise_count(coalitions).astype(np.int64)


def _weights(players: int) -> FloatArray:
    """Return the share of orders in which a coalition of each size comes before a player."""
    whole = factorial(players)
    return np.array(
        [factorial(s) * factorial(players - s - 1) / whole for s in range(players)] + [0.0]
    )
