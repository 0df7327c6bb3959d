"""What one curve of accuracy against tokens says of its dataset."""

from typing import NamedTuple

import numpy as np

from experiments.report.token_axis import axis_tokens
from oracle.comparison import Estimate
from oracle.curves import Curves
from oracle.report import wilson
from oracle.resampled import estimate, resampled_means, with_unseen
from oracle.saturation import Saturation, saturation
from oracle.token_area import area_weights
from policies.hull import FloatArray

FEW = 10  # samples under which a bootstrap is no guide, and no more than counts is said


class Need(NamedTuple):
    """Saturation, area and accuracy, all from the same resamples.

    Attributes:
        n: samples.
        tokens: visual tokens of the rungs, strictly increasing, shape [k].
        accuracy: mean score of every rung with Wilson's interval, in [0, 1].
        below_full: what every rung scores below the largest, paired, in [-1, 1].
        gains: what every rung but the first scores above the one before, paired, in [-1, 1].
        saturation: the fewest tokens within the tolerance of the best.
        area: under the curve, over log tokens, in [0, 1].
        shortfall: accuracy of the largest scale less the area, in [-1, 1]: what is lost on
            average over the axis; large where many tokens are needed.
        resampled: mean scores of every resample, for differences between rungs: with what so few
            samples may have missed (``oracle.resampled.with_unseen``), shape [resamples, k].
    """

    n: int
    tokens: FloatArray
    accuracy: tuple[Estimate, ...]
    below_full: tuple[Estimate, ...]
    gains: tuple[Estimate, ...]
    saturation: Saturation
    area: Estimate
    shortfall: Estimate
    resampled: FloatArray

    @property
    def means(self) -> FloatArray:
        """Mean scores, shape [k]."""
        return np.array([each.value for each in self.accuracy])

    @property
    def best(self) -> int:
        """The rung of the highest accuracy, the cheapest of several."""
        return int(self.means.argmax())

    @property
    def any_right(self) -> bool:
        """Whether any scale gets anything right; if not, there is no saturation point."""
        return bool(self.means.any())

    def told_apart(self, rung: int, other: int) -> bool:
        """Return whether two rungs differ, the pair being picked for what was seen of it.

        As many comparisons are allowed for as there are other rungs (Bonferroni, 95 % in all).
        """
        from scipy.stats import norm

        difference = self.resampled[:, rung] - self.resampled[:, other]
        spread = float(difference.std())
        p = 2 * norm.sf(abs(self.means[rung] - self.means[other]) / max(spread, 1e-12))
        return self.n >= FEW and bool(p * (len(self.means) - 1) < 0.05)


def measure_need(
    curves: Curves,
    rng: np.random.Generator,
    *,
    tolerance_points: float = 1.0,
    resamples: int = 1000,
    tokens: FloatArray | None = None,
) -> Need:
    """Return what curves say of how many tokens their samples need.

    Args:
        curves: at least one sample.
        rng: where resamples come from.
        tolerance_points: what the saturation point may lose against the best, in points.
        resamples: how many times the samples are drawn anew.
        tokens: where the rungs stand on the axis, shape [k]; by default their own mean tokens.
    """
    tokens, n = axis_tokens(curves) if tokens is None else tokens, len(curves)
    levels = resampled_means(curves.scores, rng, resamples=resamples)
    drawn = with_unseen(levels, n, rng)
    means = np.clip(curves.scores.mean(axis=0), 0.0, 1.0)
    weights = area_weights(tokens)
    full = np.eye(len(means))[-1]
    below, gains = full[:, None] - np.eye(len(means)), np.diff(np.eye(len(means)))

    def paired(weights: FloatArray) -> tuple[Estimate, ...]:
        """Return differences between rungs; weights have shape [k, differences]."""
        columns = zip(means @ weights, (drawn @ weights).T, strict=True)
        return tuple(estimate(float(v), each, n, bounds=(-1.0, 1.0)) for v, each in columns)

    return Need(
        n=n,
        tokens=tokens,
        accuracy=tuple(Estimate(*wilson(float(mean), n)) for mean in means),
        below_full=(*paired(below[:, :-1]), Estimate(0.0, 0.0, 0.0)),
        gains=paired(gains),
        saturation=saturation(means, drawn, tolerance_points / 100),
        area=estimate(float(means @ weights), levels @ weights, n),
        shortfall=paired((full - weights)[:, None])[0],
        resampled=drawn,
    )
