import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from state_checks import assert_refused, assert_round_trip, needs, weighted

from policies.gains import GainScores
from policies.scores import LightGBMScores


def small(**settings):
    return LightGBMScores(
        **{"objective": "regression", "max_trees": 10, "min_data_in_leaf": 2, **settings}
    )


@parametrize_with_checks([GainScores(small())])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


def test_it_learns_what_a_feature_gives_away():
    X, scores = needs(seed=1)
    found = GainScores(small(max_trees=80)).fit(*needs(600)).predict(X)
    assert np.abs(found - scores).mean() < 0.15


def test_gains_are_sums_of_models_of_differences():
    X, scores = weighted()
    found = GainScores(small()).fit(X, scores).predict(X)
    first = small().fit(X, scores[:, 0]).predict(X)
    step = small().fit(X, scores[:, 2] - scores[:, 1]).predict(X)
    np.testing.assert_allclose(found[:, 0], first)
    np.testing.assert_allclose(found[:, 2] - found[:, 1], step)


def test_by_default_it_wraps_a_regression_of_lightgbm():
    fitted = GainScores().fit(*weighted(60))
    assert {model.objective for model in fitted.scores_.gains.models} == {"regression"}


def test_it_can_be_written_and_read():
    X, scores = weighted()
    assert_round_trip(GainScores(small()).fit(X, scores).scores_, X, 4)


@pytest.mark.parametrize(
    "changes", [{"parts": {}}, {"settings": {"x": 1}}, {"arrays": {"x": np.zeros(1)}}]
)
def test_states_that_are_not_well_formed_are_refused(changes):
    state = GainScores(small()).fit(*needs(60)).scores_.state()
    assert_refused(state, 4, 4, "need one part", **changes)
