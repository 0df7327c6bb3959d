"""The search from its options to its line of JSON."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.console import print_json_line, print_table, progress
from experiments.tuning.repeats import Gain, repeat
from experiments.tuning.report import (
    FIGURE,
    SETTINGS,
    TRIALS,
    best_rows,
    draw_study,
    importances,
    spread,
    write_settings,
    write_trials,
)
from experiments.tuning.study import counted, finished, open_study, search
from experiments.tuning.task import TuningTask
from policies.search_spaces import space_defaults

if TYPE_CHECKING:
    from optuna import Study


class Tuned(NamedTuple):
    """What a search found.

    Attributes:
        settings: the best ones, by name.
        value: stable gap closed by them, mean over the folds of the search.
        gain: over the default settings, on other folds than those of the search.
    """

    settings: dict[str, Any]
    value: float
    gain: Gain


def tune(task: TuningTask, folder: Path, *, num_trials: int, repeats: int) -> Tuned:
    """Search, or go on searching, and write and print what was found.

    Writes ``settings.json``, ``trials.csv`` and ``tuning.png`` beside the journal of the study.

    Args:
        task: what is tuned, on what.
        folder: of the study; made if needed.
        num_trials: that the study shall hold, those of earlier runs counted.
        repeats: other draws of the folds on which best and default settings are compared.

    Raises:
        BudgetError: if the study cannot be used or there is nothing to tune for.
    """
    start = time.perf_counter()
    if num_trials < 1 or repeats < 0:
        raise ValueError(
            f"trials must be at least 1 and repeats at least 0, got {num_trials} and {repeats}"
        )
    with open_study(folder, task) as study:
        with progress(f"Tuning {task.family}", "trials") as update:
            search(study, task, num_trials, progress=update)
        best = finished(study)[0].user_attrs["settings"]
        with progress("Best and default on other folds", "times") as update:
            gain = repeat(study, task, best, space_defaults(task.family), repeats, progress=update)
        write_settings(folder / SETTINGS, task.family, best)
        write_trials(folder / TRIALS, study)
        draw_study(folder / FIGURE, study, gain)
        found = Tuned(best, float(finished(study)[0].value or 0.0), gain)
        _print(study, task, found, folder, time.perf_counter() - start)
    return found


def _print(study: "Study", task: TuningTask, found: Tuned, folder: Path, seconds: float) -> None:
    title = f"Best of {len(counted(study))} trials, {task.num_folds} folds"
    print_table(("trial", "gap, stable", "spread", "settings"), best_rows(study), title)
    shares = importances(study)
    print_table(
        ("setting", "importance"), [(name, f"{share:.0%}") for name, share in shares.items()]
    )
    trials = sorted(finished(study), key=lambda trial: trial.number)
    print_json_line(
        {
            "family": task.family,
            "settings": str(folder / SETTINGS),
            "n_fit": len(task.scores),
            "trials": len(counted(study)),
            "trials_pruned": len(counted(study)) - len(trials),
            "cv_gap_closed_stable": found.value,
            "cv_spread": spread(finished(study)[0]),
            "cv_default": trials[0].value,
            "gain": found.gain.mean,
            "gain_error": found.gain.error,
            "gain_beyond_noise": found.gain.beyond_noise,
            "best": found.settings,
            "importance": shares,
            "seconds": round(seconds, 2),
        }
    )
