"""A family of predictors that fits in a millisecond, and a study of it as a process of its own.

    python toy_tuning.py OUT TRIALS HANG_AT

Trial number HANG_AT says so and then never ends.
"""

import sys
import time
from pathlib import Path

import numpy as np

from experiments.tuning.study import open_study, search
from experiments.tuning.task import TuningTask
from policies.families import FAMILIES
from policies.search_spaces import SPACES

FAMILY = ("sklearn.neighbors", "KNeighborsRegressor")
SCALES = (1, 4, 16)


def space(trial, hang_at=None):
    if hang_at is not None and getattr(trial, "number", None) == hang_at:
        print("hanging", flush=True)  # noqa: T201
        time.sleep(600)
    return {
        "n_neighbors": trial.suggest_int("n_neighbors", 1, 60, log=True),
        "weights": trial.suggest_categorical("weights", ["uniform", "distance"]),
    }


def toy_task(seed=0, num_folds=3, shift=0.0, n=180, **more):
    """Samples whose first column says, with some luck, from which rung on they are right."""
    rng = np.random.default_rng(7)
    features = rng.normal(size=(n, 2))
    needed = np.digitize(features[:, 0] + shift + rng.normal(0, 0.4, size=n), [-0.5, 0.5])
    scores = (np.arange(3) >= needed[:, None]).astype(float)
    return TuningTask(
        "toy", [f"s{i}" for i in range(n)], features, scores, SCALES, num_folds, seed, **more
    )


if __name__ == "__main__":
    out, trials, hang_at = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    FAMILIES["toy"] = FAMILY
    SPACES["toy"] = lambda trial: space(trial, hang_at)
    with open_study(out, toy_task()) as study:
        search(study, toy_task(), trials)
