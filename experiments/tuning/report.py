"""What a study found: tables, the importance of settings, a figure, and the best settings."""

import csv
import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.tuning.repeats import Gain
from experiments.tuning.study import counted, finished
from oracle.whole_files import write_whole
from policies.settings_file import SettingsFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from optuna import Study
    from optuna.trial import FrozenTrial

SETTINGS, TRIALS, FIGURE = "settings.json", "trials.csv", "tuning.png"


def spread(trial: "FrozenTrial") -> float:
    """Return the standard deviation over the folds of a finished trial."""
    return float(np.std(trial.user_attrs["folds"], ddof=1))


def best_rows(study: "Study", most: int = 8) -> list[tuple[str, ...]]:
    """Return rows of the best trials: number, gap closed, its spread over folds, settings."""
    return [
        (
            f"{trial.number}",
            f"{100 * float(trial.value or 0.0):.2f} %",
            f"{100 * spread(trial):.2f}",
            " ".join(f"{k}={_short(v)}" for k, v in trial.user_attrs["settings"].items()),
        )
        for trial in finished(study)[:most]
    ]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def importances(study: "Study") -> dict[str, float]:
    """Return each setting's share of what decides the value, largest first.

    By PED-ANOVA over the finished trials; empty while they are too few or all alike.
    """
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # "too small": shares would all be equal
        try:
            return dict(optuna.importance.get_param_importances(study))
        except (RuntimeError, ValueError, UserWarning):
            return {}


def write_settings(path: Path, family: str, settings: Mapping[str, Any]) -> None:
    """Write settings as ``budget policy fit --settings`` takes them."""
    content = SettingsFile(family=family, settings=dict(settings))
    write_whole(path, lambda file: file.write(content.model_dump_json(indent=1).encode() + b"\n"))


def write_trials(path: Path, study: "Study") -> None:
    """Write every trial that counts as a row of CSV: its number, state, value, folds, settings."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("number", "state", "gap_closed_stable", "folds", "settings"))
    for trial in counted(study):
        folds = [trial.intermediate_values[step] for step in sorted(trial.intermediate_values)]
        known = trial.user_attrs.get("folds")
        writer.writerow(
            (
                trial.number,
                trial.state.name.lower(),
                trial.value if known else folds[-1],
                json.dumps(known),
                json.dumps(trial.user_attrs["settings"]),
            )
        )
    write_whole(path, lambda file: file.write(text.getvalue().encode()))


def draw_study(path: Path, study: "Study", gain: Gain) -> None:
    """Draw the values of all trials, the importance of settings, and the gain by folds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    _draw_values(left, study)
    _draw_importances(middle, importances(study))
    _draw_gain(right, gain)
    write_whole(path, lambda file: figure.savefig(file, dpi=120, format="png"))
    plt.close(figure)


def _draw_values(axes: "Axes", study: "Study") -> None:
    trials = sorted(finished(study), key=lambda trial: trial.number)
    numbers = [trial.number for trial in trials]
    values = [100 * float(trial.value or 0.0) for trial in trials]
    axes.plot(numbers, values, "o", ms=4, color="#4e79a7", label="trial")
    axes.step(numbers, np.maximum.accumulate(values), where="post", color="#e15759", label="best")
    axes.axhline(values[0], color="#777777", ls="--", lw=1, label="default settings")
    axes.set_xlabel("trial")
    axes.set_ylabel("stable gap closed on held-out folds, %")
    axes.legend(frameon=False, fontsize=8, loc="lower right")


def _draw_importances(axes: "Axes", shares: Mapping[str, float]) -> None:
    names = list(shares)[::-1]
    axes.barh(names, [100 * shares[name] for name in names], color="#59a14f")
    axes.set_xlabel("importance, %" if names else "importance: too few trials")


def _draw_gain(axes: "Axes", gain: Gain) -> None:
    differences = 100 * np.subtract(gain.best, gain.default)
    axes.axhline(0.0, color="#777777", lw=1)
    axes.plot(range(len(differences)), differences, "o", ms=4, color="#4e79a7")
    if len(differences) > 1:
        axes.errorbar(
            len(differences), 100 * gain.mean, yerr=200 * gain.error, fmt="s", color="#e15759"
        )
    axes.set_xlabel("folds of other draws; square: mean, two errors")
    axes.set_ylabel("best less default, points of the gap")
