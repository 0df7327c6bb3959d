import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from policies.isotonic import isotonic_rows
from policies.lightgbm_text import format_model
from policies.scores import BoosterScores, LightGBMScores


def needs(n=600, seed=0):
    """Features whose first column says the rung from which a sample is right."""
    X = np.random.default_rng(seed).random((n, 4))
    return X, (np.arange(4) >= (4 * X[:, :1] - 0.5)).astype(float)


@parametrize_with_checks([LightGBMScores(objective="regression", max_trees=20, min_data_in_leaf=2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


def test_it_learns_what_a_feature_gives_away():
    X, scores = needs()
    X_new, scores_new = needs(seed=1)
    found = LightGBMScores(max_trees=60).fit(X, scores).predict(X_new)
    assert found.shape == scores_new.shape
    assert np.abs(found - scores_new).mean() < 0.15
    assert ((found >= 0) & (found <= 1)).all()


def test_the_same_seed_gives_the_same_model():
    X, scores = needs(200)
    first, again = (LightGBMScores(max_trees=10, random_state=3).fit(X, scores) for _ in range(2))
    assert (first.predict(X) == again.predict(X)).all()


def test_a_rung_that_is_always_right_is_predicted_so():
    X, _ = needs(100)
    found = LightGBMScores(max_trees=5).fit(X, np.ones((100, 2))).predict(X)
    assert found == pytest.approx(1.0)


def test_monotone_predictions_never_fall():
    X, _ = needs(300)
    scores = np.random.default_rng(0).integers(0, 2, size=(300, 4)).astype(float)
    found = LightGBMScores(max_trees=20, monotone=True).fit(X, scores).predict(X)
    assert (np.diff(found, axis=1) >= 0).all()


def test_isotonic_rows_agree_with_sklearn():
    from sklearn.isotonic import isotonic_regression

    scores = np.random.default_rng(0).random((50, 6))
    expected = np.array([isotonic_regression(row) for row in scores])
    assert isotonic_rows(scores) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "ranking"}, "objective must be"),
        ({"validation_fraction": 1.0}, "validation_fraction must be"),
    ],
)
def test_settings_that_are_not_legal_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LightGBMScores(**settings).fit(*needs(60))


def test_scores_beyond_one_are_refused():
    X, scores = needs(60)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        LightGBMScores().fit(X, 2 * scores)


@pytest.mark.parametrize("objective", ["cross_entropy", "regression"])
@pytest.mark.parametrize("leaves", [15, 31])
def test_predictions_are_those_of_lightgbm(objective, leaves):
    import lightgbm

    X, y = needs(200)
    fitted = LightGBMScores(
        objective=objective, max_trees=20, min_data_in_leaf=2, num_leaves=leaves, lambda_l2=0.0
    ).fit(X, y)
    for missing in (False, True):
        rows = np.where(X > 0.9, np.nan, X) if missing else X
        apart = [
            lightgbm.Booster(model_str=format_model(model)).predict(rows, num_threads=1)
            for model in fitted.scores_.models
        ]
        found = fitted.scores_.predict(rows)
        np.testing.assert_allclose(found, np.column_stack(apart), rtol=1e-12)


def test_models_of_other_columns_make_no_predictor():
    rng = np.random.default_rng(0)
    models = [
        LightGBMScores(max_trees=2).fit(rng.random((60, width)), rng.random(60)).scores_.models[0]
        for width in (2, 3)
    ]
    with pytest.raises(ValueError, match="same columns"):
        BoosterScores(models)
