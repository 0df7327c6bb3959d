"""Which samples a report shows, for every scale that samples need."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from oracle.curves import Curves
from oracle.labels import label
from policies.allocation import IntArray

UNSOLVED = -1


class Part(NamedTuple):
    """Samples that are shown together.

    Attributes:
        title: what they have in common.
        why: how they were chosen, a sentence.
        rows: of the samples, in the order they are shown.
        of: how many there are of the kind.
        notes: what is to be said of each, as long as ``rows``; empty texts say nothing.
    """

    title: str
    why: str
    rows: tuple[int, ...]
    of: int
    notes: tuple[str, ...]


def needed_rungs(curves: Curves, threshold: float = 0.5) -> IntArray:
    """Return the cheapest rung that is right and stays right, -1 if the full scale is wrong."""
    return label(curves, "stable", "drop", threshold).rungs


def typical_parts(
    curves: Curves, needed: IntArray, num: int, rng: np.random.Generator
) -> tuple[Part, ...]:
    """Return samples for every minimal scale, drawn at random and spread over the groups.

    Args:
        curves: of the samples.
        needed: minimal rung of every sample, -1 for none.
        num: samples for each scale, at most.
        rng: where the draws come from.
    """
    parts = []
    for rung in (*range(curves.num_rungs), UNSOLVED):
        own = np.flatnonzero(needed == rung)
        if not own.size or not num:
            continue
        rows = tuple(
            row for row, _ in zip(spread(own, curves.groups, rng), range(num), strict=False)
        )
        parts.append(
            Part(
                _title(curves, rung),
                _why(rung, curves.num_rungs),
                rows,
                len(own),
                ("",) * len(rows),
            )
        )
    return tuple(parts)


def spread(rows: IntArray, groups: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield rows at random, one of every group in turn.

    Example:
        >>> groups = np.array(["a", "a", "a", "b"])
        >>> taken = spread(np.arange(4), groups, np.random.default_rng(0))
        >>> sorted(groups[row] for row, _ in zip(taken, range(2)))
        [np.str_('a'), np.str_('b')]
    """
    drawn = rng.permutation(rows)
    names, home = np.unique(groups[drawn], return_inverse=True)
    turn = np.zeros(len(drawn), dtype=np.int64)
    for i in range(len(names)):
        own = home == i
        turn[own] = np.arange(own.sum())
    place = rng.permutation(len(names))[home]  # no group comes first for its name
    yield from drawn[np.lexsort((place, turn))].tolist()


def _title(curves: Curves, rung: int) -> str:
    if rung == UNSOLVED:
        return "No scale is enough"
    scale = curves.scales[rung]
    return f"{scale:,} visual token{'' if scale == 1 else 's'} are enough".replace(
        "token are", "token is"
    )


def _why(rung: int, num_rungs: int) -> str:
    drawn = "drawn at random, spread over groups."
    if rung == UNSOLVED:
        return f"Wrong at the full scale, whatever smaller ones do; {drawn}"
    if rung == 0:
        return f"Right at every scale; {drawn}"
    if rung == num_rungs - 1:
        return f"Right at the full scale, wrong at the one before; {drawn}"
    return f"Right at this scale and at every larger one, wrong at the one before; {drawn}"
