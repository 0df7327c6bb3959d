"""An Optuna study in a folder that goes on where it was killed.

Trial number i of those that count (finished or pruned) is proposed with a seed of its own and from
the trials before it alone, so a study that was killed and went on holds the same trials as one
that was not.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from budget.errors import DataError
from experiments.tuning.task import TuningTask
from oracle.run_folder.lock import held
from policies.search_spaces import space_defaults, space_of

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

JOURNAL = "journal.log"
_IDENTITY = "identity"
# Pruning starts when so many trials are there to compare with, and after the second fold.
_TRIALS_BEFORE_PRUNING, _FOLDS_BEFORE_PRUNING = 8, 2


@contextmanager
def open_study(folder: Path, task: TuningTask) -> Iterator["Study"]:
    """Hold the study of a folder, making it if there is none; one process at a time.

    Trials that a killed process left running are marked as failed.

    Args:
        folder: made if needed.
        task: what the study is about.

    Raises:
        DataError: if another process holds the folder, or its study is about something else.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder):
        journal = folder / JOURNAL
        _repair(journal)
        study = optuna.create_study(
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
            study_name="tuning",
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=_TRIALS_BEFORE_PRUNING, n_warmup_steps=_FOLDS_BEFORE_PRUNING - 1
            ),
        )
        _refuse_other(study, folder, task.identity())
        _fail_unfinished(study)
        yield study


def _repair(journal: Path) -> None:
    """Remove what a killed writer leaves: a lock, and a last line without its end."""
    journal.with_name(f"{JOURNAL}.lock").unlink(missing_ok=True)
    if not journal.exists():
        return
    with journal.open("r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


def _refuse_other(study: "Study", folder: Path, identity: Mapping[str, str]) -> None:
    known = study.user_attrs.get(_IDENTITY)
    if known is None:
        study.set_user_attr(_IDENTITY, dict(identity))
        return
    if other := [name for name in identity if known.get(name) != identity[name]]:
        raise DataError(
            f"{folder} holds a study with other {', '.join(other)}; "
            f"go on with what it was begun with, or give another folder"
        )


def _fail_unfinished(study: "Study") -> None:
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def counted(study: "Study") -> "list[FrozenTrial]":
    """Return the trials that count: finished ones and pruned ones."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def finished(study: "Study") -> "list[FrozenTrial]":
    """Return the trials that were measured on all folds, best first."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return sorted(trials, key=lambda trial: (-float(trial.value or 0.0), trial.number))


def search(
    study: "Study",
    task: TuningTask,
    num_trials: int,
    *,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Go on until the study holds ``num_trials`` that count; the first has the default settings."""
    from optuna.samplers import TPESampler

    space = space_of(task.family)

    def objective(trial: "Trial") -> float:
        return _objective(trial, task, space(trial))

    while (done := len(counted(study))) < num_trials:
        progress(done, num_trials)
        if done == 0:
            _begin_with_defaults(study, task.family)
        seed = int(np.random.SeedSequence([task.seed, done]).generate_state(1)[0])
        study.sampler = TPESampler(multivariate=True, seed=seed)
        study.optimize(objective, n_trials=1)
    progress(num_trials, num_trials)


def _begin_with_defaults(study: "Study", family: str) -> None:
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(space_defaults(family))


def _objective(trial: "Trial", task: TuningTask, settings: Mapping[str, Any]) -> float:
    from optuna import TrialPruned

    def told(values: list[float]) -> None:
        trial.report(float(np.mean(values)), step=len(values) - 1)
        # All folds measured is finished: there is nothing left to save.
        if len(values) < task.num_folds and trial.should_prune():
            raise TrialPruned

    trial.set_user_attr("settings", dict(settings))
    values = task.values(settings, told)
    trial.set_user_attr("folds", values)
    return float(np.mean(values))
