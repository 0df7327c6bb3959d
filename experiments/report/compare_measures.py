"""How two runs differ: by accuracy, by area, and by where they saturate."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from experiments.report.runs import Run
from experiments.report.token_axis import axis_tokens
from oracle.comparison import Estimate
from oracle.curves import Curves
from oracle.resampled import estimate, resampled_means, with_unseen
from oracle.saturation import saturation_rungs
from oracle.token_area import area_between
from policies.hull import FloatArray

_MOST_RUNS = 6  # of which all pairs are compared; beyond it all with the first


class Against(NamedTuple):
    """One run against another.

    Attributes:
        run: its name.
        other: the other's.
        shared: samples that both have.
        paired: whether they are compared on these alone, resampled together.
        n: samples of the smaller of the two, or those shared.
        any_right: whether both get something right; if not, one has no saturation point.
        area: difference of the areas over the tokens that both ladders reach; None where that is
            less than a factor of 1.5.
        best: difference of the accuracies of their best scales.
        more: share of resamples in which the first saturates at more tokens.
        fewer: share in which it does at fewer.
    """

    run: str
    other: str
    shared: int
    paired: bool
    n: int
    any_right: bool
    area: Estimate | None
    best: Estimate
    more: float
    fewer: float


def compare_runs(
    runs: Sequence[Run], rng: np.random.Generator, *, tolerance_points: float, resamples: int
) -> tuple[Against, ...]:
    """Return what all pairs of runs differ in, of many runs that of all against the first.

    Args:
        runs: at least two.
        rng: where resamples come from.
        tolerance_points: what a saturation point may lose against the run's best, in points.
        resamples: how many times samples are drawn anew.
    """
    pairs = list(combinations(runs, 2)) if len(runs) <= _MOST_RUNS else []
    pairs = pairs or [(other, runs[0]) for other in runs[1:]]
    return tuple(
        _against(one, other, rng, tolerance=tolerance_points / 100, resamples=resamples)
        for one, other in pairs
    )


def _against(
    one: Run, other: Run, rng: np.random.Generator, *, tolerance: float, resamples: int
) -> Against:
    both = _on_shared(one.curves, other.curves) if _same_data(one, other) else None
    shared = 0 if both is None else len(both[0])
    # A few samples in common are no reason to leave out all the rest.
    paired = both is not None and 2 * shared >= min(len(one.curves), len(other.curves))
    first, second = both if both is not None and paired else (one.curves, other.curves)
    drawn = _drawn(first, second, rng, paired=paired, resamples=resamples)
    n, tokens = min(len(first), len(second)), (axis_tokens(first), axis_tokens(second))
    means = [np.clip(each.scores.mean(axis=0), 0, 1) for each in (first, second)]
    best = [int(each.argmax()) for each in means]
    at = [
        own[saturation_rungs(with_unseen(each, len(part), rng), tolerance)]
        for own, each, part in zip(tokens, drawn, (first, second), strict=True)
    ]
    return Against(
        one.name,
        other.name,
        shared,
        paired,
        n,
        all(bool(each.any()) for each in means),
        _area(tokens, means, drawn, n),
        estimate(
            float(means[0][best[0]] - means[1][best[1]]),
            drawn[0][:, best[0]] - drawn[1][:, best[1]],
            n,
            bounds=(-1.0, 1.0),
        ),
        float((at[0] > at[1] * (1 + 1e-9)).mean()),
        float((at[0] * (1 + 1e-9) < at[1]).mean()),
    )


def _same_data(one: Run, other: Run) -> bool:
    """Return whether ids that both have mean the same samples, as far as can be told.

    Ids such as row numbers are found in many datasets. Questions tell, where both are to be had,
    else the hashes of the data; where these are unknown too, ids are trusted.
    """
    if one.samples is not None and other.samples is not None:
        asked = [
            dict(zip(run.curves.sample_ids.tolist(), run.samples.questions, strict=True))
            for run in (one, other)
            if run.samples is not None
        ]
        return all(asked[0][name] == asked[1][name] for name in asked[0].keys() & asked[1].keys())
    hashes = {run.about.get("data") for run in (one, other)} - {None}
    return len(hashes) < 2


def _on_shared(one: Curves, other: Curves) -> tuple[Curves, Curves] | None:
    """Return both on the samples that they share, in one order; None where they share none."""
    shared = np.intersect1d(one.sample_ids, other.sample_ids)
    return (one.select(shared), other.select(shared)) if len(shared) else None


def _drawn(
    one: Curves, other: Curves, rng: np.random.Generator, *, paired: bool, resamples: int
) -> tuple[FloatArray, FloatArray]:
    """Return the mean scores of both in every resample, together where they are paired."""
    if not paired:
        return (
            resampled_means(one.scores, rng, resamples=resamples),
            resampled_means(other.scores, rng, resamples=resamples),
        )
    drawn = resampled_means(np.hstack([one.scores, other.scores]), rng, resamples=resamples)
    return drawn[:, : one.num_rungs], drawn[:, one.num_rungs :]


def _area(
    tokens: tuple[FloatArray, FloatArray],
    means: Sequence[FloatArray],
    drawn: tuple[FloatArray, FloatArray],
    n: int,
) -> Estimate | None:
    low, high = max(each[0] for each in tokens), min(each[-1] for each in tokens)
    if high < 1.5 * low:
        return None
    weights = [area_between(each, float(low), float(high)) for each in tokens]
    value = float(means[0] @ weights[0] - means[1] @ weights[1])
    return estimate(value, drawn[0] @ weights[0] - drawn[1] @ weights[1], n, bounds=(-1.0, 1.0))
