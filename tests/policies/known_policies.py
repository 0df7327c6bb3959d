"""Policies whose truth is known: predictors that look at what a test says and at nothing else."""

import numpy as np

from budget.ladder import ScaleLadder
from policies.calibration import calibrate
from policies.features import current_schema
from policies.lightgbm_policy import ScorePolicy
from policies.predictor_state import PredictorState

NAMES = current_schema().names
LADDER = ScaleLadder((1, 4, 16))


class Looking:
    """Expects as many of the rungs to fail as a function of the features says, in [0, 1]."""

    def __init__(self, load):
        self.load = load

    def predict(self, X):
        load = np.broadcast_to(self.load(X), (len(X),))
        return np.clip(1.0 - np.outer(load, [0.9, 0.4, 0.0]), 0.0, 1.0)

    def state(self):
        return PredictorState("mean")


def looking(load, **more):
    """Return a policy whose scores follow ``load``, a function of features [n, d] to [n]."""
    predictor = Looking(load)
    random = np.random.default_rng(0).random((40, len(NAMES)))
    expected = predictor.predict(random)
    costs = np.array([1.0, 4.0, 16.0])
    settings = {
        "ladder": LADDER,
        "predictor": predictor,
        "rung_costs": costs,
        "cost_unit": "tokens",
        "prices": {"no-loss": 0.1},
        "table": calibrate(expected, expected, costs, np.tile(costs, (40, 1))),
        "feature_sha256": current_schema().sha256,
    }
    return ScorePolicy(**{**settings, **more})


def column(name):
    return NAMES.index(name)


def rows(n, seed=0):
    """Features that all differ from row to row, shape [n, d]."""
    return np.random.default_rng(seed).random((n, len(NAMES)))
