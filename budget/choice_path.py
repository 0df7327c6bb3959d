"""How the best rung changes with the price: the choice rule, and all its breakpoints.

The choice maximises ``score - price * cost`` with costs over that of the full (last) rung, so a
price says how much score the full scale must add to be worth its cost.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def worthiest(
    scores: FloatArray,
    relative: FloatArray,
    price: float,
    *,
    floor: int = 0,
    ceiling: int | None = None,
) -> IntArray:
    """Return the rung of the highest ``score - price * cost``; nothing is checked.

    Args:
        scores: expected score of every rung, shape [n, k].
        relative: cost of every rung over that of the last, shape [k] or [n, k].
        price: score units per cost of the full rung; below 0 it pays for cost.
        floor: cheapest rung that may be chosen.
        ceiling: dearest one, by default the last.

    Returns:
        Rungs with shape [n]; of equally good ones the first.

    Example:
        >>> costs = np.array([0.1, 0.4, 1.0])
        >>> worthiest(np.array([[0.5, 0.6, 0.9]]), costs, 0.1).tolist()
        [2]
        >>> worthiest(np.array([[0.5, 0.6, 0.9]]), costs, 0.1, ceiling=1).tolist()
        [1]
    """
    end = None if ceiling is None else ceiling + 1
    worth = (scores - price * relative)[:, floor:end]
    rungs: IntArray = floor + np.argmax(worth, axis=1)
    return rungs


def check_tables(scores: FloatArray, costs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return scores and costs, both [n, k] floats, or say what is wrong with them.

    Raises:
        ValueError: for shapes that do not fit, NaN, or costs [k] that do not rise with the rung.
    """
    scores, costs = np.asarray(scores, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(f"scores must have shape [n, k], got {scores.shape}")
    if costs.shape not in (scores.shape, scores.shape[1:]):
        raise ValueError(
            f"costs must have shape {scores.shape[1:]} or {scores.shape}, got {costs.shape}"
        )
    if not (np.isfinite(scores).all() and np.isfinite(costs).all()):
        raise ValueError("scores and costs must be finite numbers, got NaN or infinity")
    if costs.ndim == 1 and (np.diff(costs) <= 0).any():
        raise ValueError("costs must rise from every rung to the next")
    return scores, np.broadcast_to(costs, scores.shape)


def relative_costs(costs: FloatArray) -> FloatArray:
    """Return costs over the mean cost of the last rung; an empty table stays empty."""
    return costs / costs[:, -1].mean() if len(costs) else costs


class Path(NamedTuple):
    """Every change of every sample's choice as the price falls from infinity to 0.

    At infinite price every sample sits on its cheapest rung. Change number i moves ``sample[i]``
    from ``start[i]`` to ``stop[i]`` at every price under ``price[i]``.

    Attributes:
        first: the cheapest rung, the best of them where several cost the same, shape [n].
        price: where the choice changes, falling, shape [m].
        sample: whose choice, shape [m].
        start: rung above that price, shape [m].
        stop: rung below it, shape [m].
    """

    first: IntArray
    price: FloatArray
    sample: IntArray
    start: IntArray
    stop: IntArray


def choice_path(scores: FloatArray, costs: FloatArray) -> Path:
    """Return all breakpoints of the choice over the price, exactly.

    Args:
        scores: expected score of every rung, shape [n, k].
        costs: cost of every rung, shape [k] or [n, k].
    """
    scores, costs = check_tables(scores, costs)
    costs = relative_costs(costs)
    # Each row by its own costs; of rungs that cost the same the best comes first.
    order = np.lexsort((-scores, costs), axis=1)
    parts = changes(
        np.take_along_axis(scores, order, axis=1), np.take_along_axis(costs, order, axis=1)
    )
    price, sample, start, stop = (np.concatenate(column) for column in zip(*parts, strict=True))
    falling = np.argsort(-price, kind="stable")
    sample = sample[falling]
    return Path(
        order[:, 0],
        price[falling],
        sample,
        order[sample, start[falling]],
        order[sample, stop[falling]],
    )


def changes(
    scores: FloatArray, costs: FloatArray
) -> list[tuple[FloatArray, IntArray, IntArray, IntArray]]:
    """Return price, sample, start and stop of all changes, for costs that rise along each row.

    The changes stand in a list by their number: a row's first ones, its second ones, and so on.
    """
    num_rungs = scores.shape[1]
    rows, current = np.arange(len(scores)), np.zeros(len(scores), dtype=np.int64)
    parts = [(np.zeros(0), rows[:0], current[:0], current[:0])]
    while rows.size:
        price, best = _next_change(scores[rows], costs[rows], current)
        moves = price > 0
        rows, best, current = rows[moves], best[moves], current[moves]
        parts.append((price[moves], rows, current, best))
        current = best
        unfinished = current < num_rungs - 1
        rows, current = rows[unfinished], current[unfinished]
    return parts


def _next_change(
    scores: FloatArray, costs: FloatArray, current: IntArray
) -> tuple[FloatArray, IntArray]:
    """Return the steepest gain per cost over the current rung and the furthest rung reaching it."""
    rows, num_rungs = np.arange(len(scores)), scores.shape[1]
    rise = scores - scores[rows, current][:, None]
    run = costs - costs[rows, current][:, None]
    ahead = run > 0
    slope = np.where(ahead, rise / np.where(ahead, run, 1.0), -np.inf)
    # Among equal slopes the furthest rung: just under that price it is the best of them.
    best = num_rungs - 1 - np.argmax(slope[:, ::-1], axis=1)
    return slope[rows, best], best
