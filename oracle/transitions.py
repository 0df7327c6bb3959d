"""What happens to answers from one scale to the next: wrong to right, and right to wrong."""

from typing import NamedTuple

import numpy as np

from budget.bootstrap import FloatArray
from oracle.comparison import Estimate
from oracle.curves import Curves
from oracle.report import wilson
from oracle.resampled import estimate, resampled_means
from oracle.significance import mcnemar

_UNKNOWN = Estimate(np.nan, np.nan, np.nan)


class Transition(NamedTuple):
    """From one rung to the next, over the samples whose images get more tokens by it.

    Attributes:
        n: samples that get more tokens; fewer than all where a cap is above what an image needs.
        helped: share that turns from wrong to right.
        hurt: share that turns from right to wrong.
        net: mean change of the score, in [-1, 1].
        p: exact McNemar test of as many turns to right as to wrong.
    """

    n: int
    helped: Estimate
    hurt: Estimate
    net: Estimate
    p: float


def transitions(
    curves: Curves,
    rng: np.random.Generator,
    *,
    threshold: float = 0.5,
    resamples: int = 1000,
) -> tuple[Transition, ...]:
    """Return one transition for each pair of neighbouring rungs, the cheapest pair first.

    Shares have Wilson intervals, the mean change a bootstrap over samples, paired by them.

    Args:
        curves: scores and tokens at every rung.
        rng: where resamples come from.
        threshold: score from which an answer counts as right.
        resamples: how many times the samples are drawn anew.
    """
    k = curves.num_rungs - 1
    grows = np.diff(curves.num_visual_tokens, axis=1) > 0
    turns = np.diff((curves.scores >= threshold).astype(np.int8), axis=1) * grows
    change = np.diff(curves.scores, axis=1) * grows
    columns = np.hstack([change, grows])
    drawn, whole = resampled_means(columns, rng, resamples=resamples), columns.mean(axis=0)
    net, drawn_net = _ratio(whole[:k], whole[k:]), _ratio(drawn[:, :k], drawn[:, k:])
    # As in resampled.with_unseen: of few samples, turns that happen may not be among them.
    up, down = rng.poisson(1.0, size=(2, resamples, k))
    drawn_net = drawn_net + (up - down) / np.maximum(grows.sum(axis=0), 1)
    n, helped, hurt = grows.sum(axis=0), (turns > 0).sum(axis=0), (turns < 0).sum(axis=0)
    p = mcnemar(helped, hurt)
    return tuple(
        Transition(
            int(n[i]),
            _share(int(helped[i]), int(n[i])),
            _share(int(hurt[i]), int(n[i])),
            estimate(net[i], drawn_net[:, i], int(n[i]), bounds=(-1.0, 1.0)) if n[i] else _UNKNOWN,
            float(p[i]),
        )
        for i in range(k)
    )


def lost_at_full(curves: Curves, threshold: float = 0.5) -> FloatArray:
    """Return 1 for each sample that a smaller scale gets right and the largest wrong, shape [n].

    Example:
        What the oracle that takes the first right scale gains over the full scale is their share.
    """
    right = curves.scores >= threshold
    return (right[:, :-1].any(axis=1) & ~right[:, -1]).astype(np.float64)


def _share(count: int, n: int) -> Estimate:
    return Estimate(*wilson(count / n, n)) if n else _UNKNOWN


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """Divide; NaN where nothing counts."""
    ratios = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratios, where=below > 0)
    return ratios
