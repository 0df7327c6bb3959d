"""How samples spread over the scales that they need, by a stated rule; unsolved ones apart."""

from typing import NamedTuple

import numpy as np

from oracle.comparison import Estimate
from oracle.curves import Curves
from oracle.labels import Rule, label
from oracle.report import wilson
from oracle.resampled import resampled_means


class Sufficient(NamedTuple):
    """The minimal sufficient scales of a dataset.

    Attributes:
        rule: how a sample's rung is found.
        shares: share of all samples that needs each rung, cheapest first, with Wilson intervals.
        unsolved: share that no rung solves by the rule.
        mean_tokens: mean of the tokens that solved samples need; NaN if none is solved.
        median_tokens: their median.
        solved: samples that some rung solves.
    """

    rule: Rule
    shares: tuple[Estimate, ...]
    unsolved: Estimate
    mean_tokens: Estimate
    median_tokens: float
    solved: int


def sufficient(
    curves: Curves,
    rule: Rule,
    rng: np.random.Generator,
    *,
    threshold: float = 0.5,
    resamples: int = 1000,
) -> Sufficient:
    """Return how many samples need each rung by ``rule``.

    Args:
        curves: scores and tokens at every rung.
        rule: see ``oracle.labels``.
        rng: where the resamples of solved samples come from.
        threshold: score from which an answer counts as right.
        resamples: how many times they are drawn anew.
    """
    labels = label(curves, rule, "drop", threshold)
    n, rows = len(curves), np.flatnonzero(labels.kept)
    counts = np.bincount(labels.rungs[rows], minlength=curves.num_rungs)
    tokens = curves.num_visual_tokens[rows, labels.rungs[rows]].astype(np.float64)
    return Sufficient(
        rule,
        tuple(Estimate(*wilson(count / n, n)) for count in counts.tolist()),
        Estimate(*wilson((n - len(rows)) / n, n)),
        _mean(tokens, rng, resamples),
        float(np.median(tokens)) if len(rows) else np.nan,
        len(rows),
    )


def _mean(tokens: np.ndarray, rng: np.random.Generator, resamples: int) -> Estimate:
    if not tokens.size:
        return Estimate(np.nan, np.nan, np.nan)
    drawn = resampled_means(tokens[:, None], rng, resamples=resamples)[:, 0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(tokens.mean()), float(low), float(high))
