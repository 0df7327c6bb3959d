import lightgbm
import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from state_checks import assert_refused, assert_round_trip, needs, weighted

from policies.joint_lightgbm import JointLightGBMScores, start_of
from policies.joint_trees import with_rungs
from policies.lightgbm_text import format_model
from policies.scores import LightGBMScores

CHEAP = LightGBMScores(max_trees=4)


def joint(**settings):
    return JointLightGBMScores(**{"max_trees": 40, "min_data_in_leaf": 20, **settings})


@parametrize_with_checks([joint(objective="regression", max_trees=20, min_data_in_leaf=2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("first", [None, CHEAP])
def test_it_learns_what_a_feature_gives_away(first):
    fitted = joint(first=first, max_trees=150, learning_rate=0.1).fit(*needs(600))
    X, scores = needs(seed=1)
    assert np.abs(fitted.predict(X) - scores).mean() < 0.15


@pytest.mark.parametrize("leaves", [2, 15, 31])
@pytest.mark.parametrize("objective", ["cross_entropy", "regression"])
def test_sums_are_those_of_lightgbm_asked_rung_by_rung(leaves, objective):
    X, scores = needs()
    trees = joint(num_leaves=leaves, objective=objective).fit(X, scores).scores_.trees
    booster = lightgbm.Booster(model_str=format_model(trees.model))
    for rows in (X, X[:1], X[:0], np.where(X > 0.9, np.nan, X)):
        expected = [
            booster.predict(np.column_stack([rows, np.full(len(rows), rung)]), raw_score=True)
            if len(rows)
            else np.zeros(0)
            for rung in range(4)
        ]
        np.testing.assert_allclose(trees.sums(rows), np.column_stack(expected), atol=1e-12)


def test_trees_rise_with_the_rung_where_they_have_to():
    X, _ = needs(300)
    scores = np.random.default_rng(0).integers(0, 2, size=(300, 4)).astype(float)
    rising = joint(lambda_l2=0.0).fit(X, scores).scores_.trees.sums(X)
    free = joint(lambda_l2=0.0, rising=False).fit(X, scores).scores_.trees.sums(X)
    assert (np.diff(rising, axis=1) >= -1e-12).all()
    assert (np.diff(free, axis=1) < 0).any()


def test_monotone_predictions_never_fall_even_from_a_curve_that_does():
    X, scores = needs()
    falling = scores[:, ::-1]
    assert (np.diff(joint().fit(X, falling).predict(X), axis=1) < 0).any()
    assert (np.diff(joint(monotone=True).fit(X, falling).predict(X), axis=1) >= 0).all()


def test_what_is_not_learned_stays_at_the_mean_curve():
    X, scores = weighted()
    found = joint(max_trees=1, learning_rate=1e-9).fit(X, scores).predict(X)
    np.testing.assert_allclose(found, np.tile(scores.mean(axis=0), (len(X), 1)), atol=1e-6)


def test_it_starts_from_the_first_predictors_scores():
    X, scores = needs()
    found = joint(first=CHEAP, max_trees=1, learning_rate=1e-9).fit(X, scores).predict(X)
    np.testing.assert_allclose(found, CHEAP.fit(X, scores).predict(X), atol=1e-3)


def test_starting_logits_are_bounded():
    logits = start_of(np.array([0.0, 0.5, 1.0]))
    assert logits == pytest.approx([-np.log(999), 0, np.log(999)])


def test_with_rungs_has_a_row_per_sample_and_rung():
    assert with_rungs(np.arange(6.0).reshape(3, 2), 4).shape == (12, 3)


@pytest.mark.parametrize("first", [None, CHEAP])
def test_it_can_be_written_and_read(first):
    X, scores = weighted()
    assert_round_trip(joint(first=first).fit(X, scores).scores_, X, 4)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"texts": {}}, "needs a text 'trees'"),
        ({"texts": {"trees": "tree\n"}}, "cannot be used"),
        ({"settings": {"monotone": 1}}, "'monotone' must be"),
        ({"arrays": {"start": np.zeros(3)}}, "'start' must be 4 finite"),
        ({"arrays": {"start": np.full(4, np.nan)}}, "'start' must be 4 finite"),
        ({"parts": {"second": None}}, "has one part"),
    ],
)
def test_states_that_are_not_well_formed_are_refused(changes, match):
    state = joint(max_trees=3).fit(*needs(60)).scores_.state()
    assert_refused(state, 4, 4, match, **changes)


def test_scores_beyond_one_are_refused():
    X, scores = needs(60)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        joint().fit(X, 2 * scores)


def test_an_objective_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="objective must be one of"):
        joint(objective="ranking").fit(*needs(60))
