"""What every family's state has to keep; tests import it."""

from dataclasses import replace

import numpy as np
import pytest

from budget.errors import PolicyError
from policies.families import restore_predictor


def needs(n=300, seed=0, rungs=4):
    """Features whose first column says the rung from which a sample is right."""
    X = np.random.default_rng(seed).random((n, 4))
    return X, (np.arange(rungs) >= (rungs * X[:, :1] - 0.5)).astype(float)


def weighted(n=300, seed=0, rungs=4):
    """Scores as VQA accuracy has them: thirds."""
    X, scores = needs(n, seed, rungs)
    rng = np.random.default_rng(seed + 1)
    return X, np.round(3 * (0.2 + 0.6 * scores + 0.2 * rng.random(scores.shape))) / 3


def assert_round_trip(scores, X, num_rungs):
    """Taken apart and put together, a predictor predicts the same to the bit."""
    again = restore_predictor(scores.state(), X.shape[1], num_rungs)
    np.testing.assert_array_equal(again.predict(X), scores.predict(X))
    assert again.state().kind == scores.state().kind


def assert_refused(state, num_features, num_rungs, match, **changes):
    """A changed state is refused with one line of ours."""
    with pytest.raises(PolicyError, match=match):
        restore_predictor(replace(state, **changes), num_features, num_rungs)
