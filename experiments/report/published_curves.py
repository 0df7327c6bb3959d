"""Curves that the papers on M3 and MQT published, and how like them others are."""

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from oracle.token_area import area_weights, interpolation
from policies.hull import FloatArray

_POINTS = 65  # of the part of the axis that two curves share, ends included


class Published(NamedTuple):
    """One published curve.

    Attributes:
        model: as its paper calls it.
        benchmark: as its paper calls it.
        tokens: visual tokens of the scales, strictly increasing, shape [k]; of models that see an
            image as several grids, those of one grid.
        scores: share of full marks in [0, 1], shape [k].
        digitised: whether it was read off a figure, to about 0.1 points.
        source: the paper, and what is odd about its tokens.
        oracle: accuracy and mean tokens of the paper's oracle (fewest tokens that are right,
            unsolved samples charged the cheapest scale); None where it has none.
    """

    model: str
    benchmark: str
    tokens: FloatArray
    scores: FloatArray
    digitised: bool
    source: str
    oracle: tuple[float, float] | None

    @property
    def name(self) -> str:
        """Benchmark and model."""
        return f"{self.benchmark} ({self.model})"


@cache
def published_curves() -> tuple[Published, ...]:
    """Return all curves, those of a model together."""
    text = (files("experiments.report") / "published.json").read_text(encoding="utf-8")
    return tuple(
        Published(
            each["model"],
            each["benchmark"],
            np.array(each["tokens"], dtype=np.float64),
            np.array(each["scores"], dtype=np.float64) / each.get("full_marks", 100),
            each["digitised"],
            each["source"],
            (each["oracle"]["score"] / 100, each["oracle"]["tokens"]) if "oracle" in each else None,
        )
        for each in json.loads(text)
    )


def shape_distances(tokens: FloatArray, means: FloatArray, other: Published) -> FloatArray | None:
    """Return how far curves are from a published one in shape, in points of relative accuracy.

    Both are read over the tokens that they share and divided by what they reach at its upper end,
    so that how hard a benchmark is does not count; the distance is the mean absolute difference
    over log tokens.

    Args:
        tokens: of the rungs, strictly increasing, shape [k].
        means: accuracies of one or more curves, shape [c, k].
        other: the published curve.

    Returns:
        Shape [c], NaN for a curve that is 0 at the upper end; None where the two share less than a
        factor of 4 of tokens.
    """
    low, high = max(tokens[0], other.tokens[0]), min(tokens[-1], other.tokens[-1])
    if high < 4 * low:
        return None
    at = np.geomspace(low, high, _POINTS)
    own = means @ interpolation(tokens, at)
    theirs = other.scores @ interpolation(other.tokens, at)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(own / own[:, -1:] - theirs / theirs[-1])
    distances: FloatArray = apart @ area_weights(at)
    return np.where(np.isfinite(distances), distances, np.nan)
