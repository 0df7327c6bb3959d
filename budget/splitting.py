"""Split a total of visual tokens over the images of one prompt: one rung for each of them.

A question about several images, or about the frames of a video, pays for all of them together. M3
(arXiv 2405.17430, "Video Understanding") puts six frames into one collage and gives it one scale,
so that its totals of 5 to 2,880 tokens are spread evenly; :func:`split_evenly` is the same for
images that stay apart. Where it is known what each image would gain, :func:`split_best` gives more
to those that gain more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Scores are added up in whole steps, so that sums are exact and ties are ties: decimal ones, far
# finer than what any predictor means.
_STEPS_OF_ONE = 1e12


class _States(NamedTuple):
    """What some images can have together: of every number of tokens the best score, both rising.

    Attributes:
        tokens: shape [s].
        scores: in steps, shape [s].
        rungs: of the first of these images, shape [s].
        rest: place of what the images behind it have among their own states, shape [s].
    """

    tokens: IntArray
    scores: IntArray
    rungs: IntArray
    rest: IntArray


def split_best(scores: FloatArray, tokens: IntArray, total: int) -> IntArray:
    """Return one rung per image, so that the sum of scores within a total is the largest there is.

    Exact, by dynamic programming from the last image to the first over the numbers of tokens that
    are worth their score; states that cannot lead to the best any more are dropped by what the
    images not yet seen could gain at most (the concave hull of their curves). Of equally good
    splits it is the one of fewest tokens, and of those the one that gives earlier images more.

    Args:
        scores: expected score of every image at every rung, shape [n, k].
        tokens: visual tokens that each of them takes there, of all of its grids, shape [n, k].
        total: visual tokens that all images may take together.

    Returns:
        Rungs with shape [n]; of rungs of one image with equal tokens and scores the first.

    Raises:
        ValueError: if the total is too small for the cheapest rungs, shapes differ, or a score is
            not finite.

    Example:
        >>> scores = np.array([[0.5, 0.9, 0.9], [0.5, 0.6, 0.7]])
        >>> split_best(scores, np.array([[1, 9, 36]] * 2), 46).tolist()
        [1, 2]
        >>> split_best(scores, np.array([[1, 9, 36]] * 2), 20).tolist()
        [1, 1]
    """
    scores, tokens = _checked(scores, tokens)
    refuse_too_small(tokens, total)
    steps = _in_steps(scores)
    left = _left_for(tokens, total)
    states = [_States(*(np.zeros(1, dtype=np.int64) for _ in range(4)))]
    bounds, least = _Bounds(steps, tokens), _worth_at_least(steps, tokens, total)
    for i in reversed(range(len(steps))):
        grown = _grown(states[-1], steps[i], tokens[i], left[i])
        promising = grown.scores + bounds.of(i, total - grown.tokens) >= least
        states.append(_States(*(column[promising] for column in grown)))
    rungs = np.zeros(len(steps), dtype=np.int64)
    place = len(states[-1].tokens) - 1
    for i, own in enumerate(reversed(states[1:])):
        rungs[i], place = own.rungs[place], own.rest[place]
    return rungs


def split_evenly(tokens: IntArray, total: int) -> IntArray:
    """Return one rung per image, no two more than one apart, without knowing what they would gain.

    All images get the largest rung that all of them fit at; with what is left, one image after
    the other, from the first on, is raised by one rung if that still fits. Where rungs do not rise
    in tokens and no rung fits for all, every image gets its cheapest.

    Args:
        tokens: as :func:`split_best` takes it.
        total: visual tokens that all images may take together.

    Raises:
        ValueError: if the total is too small for the cheapest rungs.

    Example:
        >>> split_evenly(np.array([[1, 9, 36]] * 4), 60).tolist()
        [1, 1, 1, 1]
        >>> split_evenly(np.array([[1, 9, 36]] * 4), 63).tolist()
        [2, 1, 1, 1]
    """
    tokens = np.asarray(tokens, dtype=np.int64)
    refuse_too_small(tokens, total)
    fitting = np.flatnonzero(tokens.sum(axis=0) <= total)
    if not fitting.size:
        return np.asarray(tokens.argmin(axis=1), dtype=np.int64)
    rung = int(fitting[-1])
    rungs = np.full(len(tokens), rung, dtype=np.int64)
    if rung + 1 < tokens.shape[1]:
        spent = int(tokens[:, rung].sum())
        for i, more in enumerate((tokens[:, rung + 1] - tokens[:, rung]).tolist()):
            if spent + more <= total:
                rungs[i], spent = rung + 1, spent + more
    return rungs


def refuse_too_small(tokens: IntArray, total: int) -> None:
    """Refuse a total that not even the cheapest rungs of all images fit into.

    Args:
        tokens: of every image at every rung, shape [n, k].
        total: visual tokens that all images may take together.

    Raises:
        ValueError: says what they take.
    """
    least = int(tokens.min(axis=1).sum())
    if total < least:
        raise ValueError(
            f"a total of {total:,} visual tokens is too small: the {counted(len(tokens))} of the "
            f"prompt take {least:,} at their cheapest"
        )


def counted(num_images: int) -> str:
    """Return a number of images in words.

    Example:
        >>> counted(1), counted(8)
        ('1 image', '8 images')
    """
    return f"{num_images} image" + "s" * (num_images != 1)


class _Bounds:
    """The most score that the images before one can add to it, with so many tokens left."""

    def __init__(self, scores: IntArray, tokens: IntArray) -> None:
        hulls = [_hull(*row) for row in zip(scores, tokens, strict=True)]
        self._least = np.array([hull[0] for hull in hulls]).reshape(-1, 2).cumsum(axis=0)
        self._gains = [np.diff(np.array(hull), axis=0) for hull in hulls]

    def of(self, i: int, left: IntArray) -> FloatArray:
        """Return the bound for images 0 to i - 1, shape of ``left``."""
        if i == 0:
            return np.zeros(len(left))
        gains = np.concatenate(self._gains[:i])
        gains = gains[np.argsort(-gains[:, 1] / gains[:, 0], kind="stable")]
        curve = np.concatenate([self._least[i - 1][None], gains]).cumsum(axis=0)
        # A step and a little more, as what is interpolated is rounded.
        bound: FloatArray = np.interp(left, curve[:, 0], curve[:, 1])
        return bound + 1.0 + np.abs(bound) * 1e-12


def _hull(scores: IntArray, tokens: IntArray) -> list[tuple[float, float]]:
    """Return the corners (tokens, score) of the concave curve above one image's rungs."""
    corners: list[tuple[float, float]] = []
    for at in np.lexsort((-scores, tokens)).tolist():
        t, s = float(tokens[at]), float(scores[at])
        if corners and s <= corners[-1][1]:
            continue
        while len(corners) > 1 and _is_below(corners[-2], corners[-1], (t, s)):
            corners.pop()
        corners.append((t, s))
    return corners


def _is_below(
    before: tuple[float, float], corner: tuple[float, float], after: tuple[float, float]
) -> bool:
    rise, run = corner[1] - before[1], corner[0] - before[0]
    return rise * (after[0] - before[0]) <= (after[1] - before[1]) * run


def _worth_at_least(scores: IntArray, tokens: IntArray, total: int) -> int:
    """Return the score of a good split, found by raising whichever image gains most per token."""
    rungs = tokens.argmin(axis=1)
    rows = np.arange(len(tokens))
    while True:
        rise = scores - scores[rows, rungs][:, None]
        run = tokens - tokens[rows, rungs][:, None]
        spent = int(tokens[rows, rungs].sum())
        fits = (rise > 0) & (run >= 0) & (spent + run <= total)
        if not fits.any():
            return int(scores[rows, rungs].sum())
        worth = np.where(fits, rise / np.maximum(run, 1e-9), -1.0)
        i, rung = np.unravel_index(int(worth.argmax()), worth.shape)
        rungs[i] = rung


def _left_for(tokens: IntArray, total: int) -> IntArray:
    """Return what each image and those behind it may take, as those before take something too."""
    least = tokens.min(axis=1)
    before: IntArray = np.cumsum(least) - least
    return total - before


def _grown(states: _States, scores: IntArray, tokens: IntArray, left: int) -> _States:
    """Return the states of one image more, without those that others are better than."""
    all_tokens = (tokens[:, None] + states.tokens).ravel()
    all_scores = (scores[:, None] + states.scores).ravel()
    rungs = np.repeat(np.arange(len(tokens)), len(states.tokens))
    rest = np.tile(np.arange(len(states.tokens)), len(tokens))
    # Fewest tokens first, then the best score, then the dearer rung of this image.
    order = np.lexsort((rungs, -tokens[rungs], -all_scores, all_tokens))
    order = order[all_tokens[order] <= left]
    best = np.maximum.accumulate(all_scores[order])
    better = np.concatenate([[True], best[1:] > best[:-1]])
    kept = order[better]
    return _States(all_tokens[kept], all_scores[kept], rungs[kept], rest[kept])


def _in_steps(scores: FloatArray) -> IntArray:
    """Return scores as whole numbers; those beyond [-1, 1] in coarser steps."""
    largest = max(1.0, float(np.abs(scores).max(initial=0.0)))
    steps: IntArray = np.rint(scores * (_STEPS_OF_ONE / 10.0 ** np.ceil(np.log10(largest))))
    return steps.astype(np.int64)


def _checked(scores: FloatArray, tokens: IntArray) -> tuple[FloatArray, IntArray]:
    scores = np.asarray(scores, dtype=np.float64)
    tokens = np.asarray(tokens, dtype=np.int64)
    if scores.ndim != 2 or scores.shape[1] == 0 or scores.shape != tokens.shape:
        raise ValueError(
            f"scores and tokens must both have shape [n, k], got {scores.shape}, {tokens.shape}"
        )
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite numbers, got NaN or infinity")
    return scores, tokens
