"""One sample's images under a total: by what is expected of each, or evenly where nothing is."""

from collections.abc import Sequence
from typing import NamedTuple

from budget.reasons import explain_split
from budget.splitting import FloatArray, IntArray, split_best, split_evenly


class Shared(NamedTuple):
    """How a total was split.

    Attributes:
        rungs: one per image.
        reasons: why, in words, one per image.
    """

    rungs: list[int]
    reasons: list[str]


def share(
    scores: FloatArray,
    tokens: IntArray,
    scales: Sequence[int],
    total: int,
    fallbacks: Sequence[str] = (),
) -> Shared:
    """Split a total over the images of one sample.

    The sum of expected scores is made as large as it can be. That an image's scores say nothing
    (its policy's choice was not to be trusted) or no image's scores differ from rung to rung (a
    policy that predicts none) leaves nothing to go by, and the total is split evenly.

    Args:
        scores: expected score of every image at every rung, shape [n, k].
        tokens: visual tokens that each takes there, shape [n, k].
        scales: of the ladder, for the reasons.
        total: visual tokens that all images may take together.
        fallbacks: per image why its policy's choice is not to be trusted, empty where it is.

    Raises:
        ValueError: as ``split_best`` does.

    Example:
        >>> import numpy as np
        >>> share(np.ones((2, 2)), np.array([[1, 9], [1, 9]]), (1, 9), 10).rungs
        [1, 0]
    """
    n = len(scores)
    if why := next(filter(None, fallbacks), "") or _says_nothing(scores):
        rungs = split_evenly(tokens, total).tolist()
        return Shared(rungs, [explain_split(None, scales[r], total, n, why) for r in rungs])
    rungs = split_best(scores, tokens, total).tolist()
    here = [float(scores[i, rung]) for i, rung in enumerate(rungs)]
    told = [explain_split(s, scales[r], total, n) for s, r in zip(here, rungs, strict=True)]
    return Shared(rungs, told)


def _says_nothing(scores: FloatArray) -> str:
    """Return why scores are nothing to go by, an empty text if they are something."""
    flat = bool((scores == scores[:, :1]).all())
    return "the expected scores are the same at every scale" if flat else ""
