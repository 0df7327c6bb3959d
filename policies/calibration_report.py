"""Do predicted scores mean what they say? Reliability, ECE, Brier score and log loss per rung."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from policies.bootstrap import Interval, percentiles, resample_counts
from policies.hull import FloatArray

if TYPE_CHECKING:
    from pathlib import Path

NUM_BINS = 15
_MARGIN = 1e-6  # a log loss looks at no probability closer to 0 or 1
_RESAMPLES = 200


class Measured(NamedTuple):
    """A figure with the interval of its bootstrap over samples."""

    value: float
    interval: Interval


class Bin(NamedTuple):
    """Samples of similar predictions.

    Attributes:
        predicted: mean prediction.
        real: mean real score.
        interval: of the mean real score.
        size: samples.
    """

    predicted: float
    real: float
    interval: Interval
    size: int


class RungCalibration(NamedTuple):
    """How well the predictions at one rung are calibrated.

    Attributes:
        ece: expected calibration error of :func:`expected_calibration_error`.
        brier: mean squared distance of predictions and scores (Brier 1950).
        log_loss: mean cross-entropy, in nats.
        bins: the reliability table, predictions rising.
    """

    ece: Measured
    brier: Measured
    log_loss: Measured
    bins: tuple[Bin, ...]


def expected_calibration_error(
    predicted: FloatArray,
    scores: FloatArray,
    *,
    num_bins: int = NUM_BINS,
    weights: FloatArray | None = None,
) -> float:
    """Return the expected calibration error over bins of equal mass.

    Samples are sorted by prediction and cut into bins of equally many; the error is the mean over
    samples of |mean prediction - mean score| of their bin (Naeini, Cooper and Hauskrecht, AAAI
    2015, who cut [0, 1] into equal widths; equal mass as in Nguyen and O'Connor, EMNLP 2015, which
    is the less biased of the two: Roelofs et al., AISTATS 2022). It is not 0 for perfect
    predictions of few samples: compare it with others of the same samples.

    Args:
        predicted: shape [n].
        scores: real scores in [0, 1], shape [n].
        num_bins: at most this many.
        weights: how often each sample counts, shape [n]; once by default.

    Example:
        >>> expected_calibration_error(np.array([0.0, 1.0]), np.array([0.5, 1.0]), num_bins=2)
        0.25
    """
    weights = np.ones(len(predicted)) if weights is None else weights
    order = np.argsort(predicted, kind="stable")
    differences = (weights * (predicted - scores))[order]
    gaps = np.add.reduceat(differences, _starts(len(predicted), num_bins))
    return float(np.abs(gaps).sum() / weights.sum())


def _starts(num_samples: int, num_bins: int) -> NDArray[np.int64]:
    """Return where bins of equally many sorted samples begin."""
    starts: NDArray[np.int64] = np.unique(np.arange(num_bins) * num_samples // num_bins)
    return starts


def brier_score(
    predicted: FloatArray, scores: FloatArray, *, weights: FloatArray | None = None
) -> float:
    """Return the mean squared distance of predictions and scores, shape [n] each."""
    return float(np.average(np.square(predicted - scores), weights=weights))


def log_loss(
    predicted: FloatArray, scores: FloatArray, *, weights: FloatArray | None = None
) -> float:
    """Return the mean cross-entropy of scores in [0, 1] under predictions, in nats."""
    inside = np.clip(predicted, _MARGIN, 1 - _MARGIN)
    losses = -scores * np.log(inside) - (1 - scores) * np.log1p(-inside)
    return float(np.average(losses, weights=weights))


def calibration_report(
    expected: FloatArray,
    scores: FloatArray,
    rng: np.random.Generator,
    *,
    num_bins: int = NUM_BINS,
    resamples: int = _RESAMPLES,
    level: float = 0.95,
) -> tuple[RungCalibration, ...]:
    """Return the calibration of every rung on samples that were neither fitted nor calibrated on.

    Args:
        expected: predictions, shape [n, k].
        scores: real scores in [0, 1], shape [n, k].
        rng: draws of the bootstrap.
        num_bins: bins of equal mass.
        resamples: of the bootstrap.
        level: of the intervals, in (0, 1).

    Raises:
        ValueError: if the tables do not fit, are empty, or scores leave [0, 1].
    """
    expected, scores = np.asarray(expected, dtype=float), np.asarray(scores, dtype=float)
    if expected.ndim != 2 or expected.shape != scores.shape or not len(scores):
        raise ValueError(
            f"predictions and scores must be one table, got {expected.shape} and {scores.shape}"
        )
    if not (np.isfinite(expected).all() and scores.min() >= 0 and scores.max() <= 1):
        raise ValueError("predictions must be finite and scores lie in [0, 1]")
    counts = resample_counts(len(scores), resamples, rng)
    return tuple(
        _rung(predicted, real, counts, num_bins, level)
        for predicted, real in zip(expected.T, scores.T, strict=True)
    )


def _rung(
    predicted: FloatArray, scores: FloatArray, counts: FloatArray, num_bins: int, level: float
) -> RungCalibration:
    def measured(figure: Callable[..., float]) -> Measured:
        drawn = np.array([figure(predicted, scores, weights=row) for row in counts])
        return Measured(figure(predicted, scores), percentiles(drawn, level))

    def ece(*tables: FloatArray, weights: FloatArray | None = None) -> float:
        return expected_calibration_error(*tables, num_bins=num_bins, weights=weights)

    bins = _bins(predicted, scores, counts, num_bins, level)
    return RungCalibration(measured(ece), measured(brier_score), measured(log_loss), bins)


def _bins(
    predicted: FloatArray, scores: FloatArray, counts: FloatArray, num_bins: int, level: float
) -> tuple[Bin, ...]:
    order = np.argsort(predicted, kind="stable")
    rows = np.split(order, _starts(len(order), num_bins)[1:])
    bins = []
    for row in rows:
        drawn = counts[:, row]
        means = drawn @ scores[row] / np.maximum(drawn.sum(axis=1), 1)
        bins.append(
            Bin(
                float(predicted[row].mean()),
                float(scores[row].mean()),
                percentiles(means, level),
                len(row),
            )
        )
    return tuple(bins)


def save_reliability_figure(
    path: "str | Path", report: Sequence[RungCalibration], names: Sequence[str]
) -> None:
    """Draw mean score against mean prediction, a panel per rung, and write it as an image.

    Args:
        path: of the file; its suffix says the format.
        report: of every rung.
        names: of the rungs, as many.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * len(report), 2.9), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(report), squeeze=False)[0]
    for panel, rung, name in zip(panels, report, names, strict=True):
        predicted, real = ([b[i] for b in rung.bins] for i in (0, 1))
        low, high = zip(*(b.interval for b in rung.bins), strict=True)
        panel.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        panel.vlines(predicted, low, high, color="tab:blue", linewidth=1)
        panel.plot(predicted, real, "o-", color="tab:blue", markersize=3)
        panel.set(title=f"{name}: ECE {rung.ece.value:.3f}", xlabel="predicted", aspect="equal")
        panel.set(xlim=(0, 1), ylim=(0, 1))
    panels[0].set_ylabel("mean score")
    figure.savefig(path, dpi=120)
