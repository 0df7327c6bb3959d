"""How an evaluation shows whether predicted scores mean what they say."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from budget.console import print_table
from policies.calibration_report import RungCalibration, calibration_report, save_reliability_figure
from policies.hull import FloatArray
from policies.metrics_table import write_csv

Reports = Mapping[str, tuple[RungCalibration, ...]]

_COLUMNS = ("policy", "tokens", "metric", "value", "low", "high")


def report_all(
    expected: Mapping[str, FloatArray], scores: FloatArray, seed: int, resamples: int
) -> Reports:
    """Return every policy's calibration report.

    Args:
        expected: predictions by policy, shape [n, k] each; clipped to [0, 1].
        scores: real scores, shape [n, k].
        seed: of the bootstrap.
        resamples: of the bootstrap.
    """
    return {
        name: calibration_report(
            np.clip(table, 0, 1), scores, np.random.default_rng(seed), resamples=resamples
        )
        for name, table in expected.items()
    }


def print_calibration(reports: Reports, scales: Sequence[int]) -> None:
    """Print error, Brier score and log loss of every policy at every scale."""
    for name, rungs in reports.items():
        rows = [
            (m, *(_percent(figure.value, figure.interval) for figure in rung[:2]), _nats(rung))
            for m, rung in zip(scales, rungs, strict=True)
        ]
        title = f"{name}: do predicted scores mean what they say? 95 % intervals"
        print_table(("tokens", "ECE %", "Brier score %", "log loss, nats"), rows, title)


def save_calibration(out: Path, reports: Reports, scales: Sequence[int]) -> None:
    """Write ``calibration.csv`` and a reliability diagram of every policy."""
    rows = [
        (name, m, metric, getattr(rung, metric).value, *getattr(rung, metric).interval)
        for name, rungs in reports.items()
        for m, rung in zip(scales, rungs, strict=True)
        for metric in ("ece", "brier", "log_loss")
    ]
    write_csv(out / "calibration.csv", _COLUMNS, rows)
    titles = [f"{m} tokens" for m in scales]
    for place, rungs in enumerate(reports.values(), start=1):
        save_reliability_figure(out / f"reliability-{place}.png", rungs, titles)


def _percent(value: float, interval: Sequence[float]) -> str:
    low, high = interval
    return f"{100 * value:.1f} ({100 * low:.1f}..{100 * high:.1f})"


def _nats(rung: RungCalibration) -> str:
    low, high = rung.log_loss.interval
    return f"{rung.log_loss.value:.3f} ({low:.3f}..{high:.3f})"
