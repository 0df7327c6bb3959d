import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks
from state_checks import assert_refused, assert_round_trip, needs, weighted

from policies.calibrated import CalibratedScores
from policies.calibration_maps import choose_method, fit_map
from policies.scores import LightGBMScores
from policies.training_tables import fold_numbers, out_of_fold


def small(**settings):
    return LightGBMScores(**{"max_trees": 8, "min_data_in_leaf": 2, **settings})


def logit(p):
    return np.log(p / (1 - p))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def overconfident(n=4000, seed=0):
    """Predictions whose logits are twice as large as they should be, and what comes of them."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.05, 0.95, n)
    return sigmoid(2 * logit(true)), (rng.random(n) < true).astype(float), true


@parametrize_with_checks([CalibratedScores(small(objective="regression"), folds=2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("method", "within"), [("platt", 0.02), ("beta", 0.02), ("isotonic", 0.08)]
)
def test_maps_mend_predictions_that_are_too_sure(method, within):
    predicted, scores, true = overconfident()
    found = fit_map(method, predicted, scores)(predicted)
    assert np.abs(predicted - true).mean() > 0.1
    assert np.abs(found - true).mean() < within


def test_platts_map_is_sklearns_logistic_regression_on_the_logit():
    predicted, scores, _ = overconfident(1000)
    model = LogisticRegression(C=1e6, tol=1e-9).fit(logit(predicted)[:, None], scores)
    expected = model.predict_proba(logit(predicted)[:, None])[:, 1]
    np.testing.assert_allclose(fit_map("platt", predicted, scores)(predicted), expected, atol=1e-4)


def test_shares_count_as_so_many_right_and_wrong():
    predicted, scores, _ = overconfident(300)
    shares = np.round(3 * scores) / 3 * 2 / 3
    counted = fit_map(
        "beta",
        np.repeat(predicted, 3),
        np.concatenate([[1.0, 1.0, 0.0] if share else [0.0] * 3 for share in shares]),
    )
    found = fit_map("beta", predicted, shares)
    np.testing.assert_allclose(found(predicted), counted(predicted), atol=1e-3)


def test_maps_never_fall():
    rng = np.random.default_rng(0)
    predicted, grid = rng.random(200), np.linspace(0, 1, 101)
    for method in ("platt", "beta", "isotonic"):
        scores = (rng.random(200) < predicted).astype(float)
        assert (np.diff(fit_map(method, predicted, scores)(grid)) >= 0).all()


def test_the_method_of_least_error_on_unseen_samples_is_chosen():
    predicted, scores, true = overconfident()
    folds = fold_numbers(len(scores), 5, 0)
    assert choose_method(predicted, scores, folds, ("none", "platt")) == "platt"
    steps = np.where(true < 0.3, 0.05, np.where(true < 0.6, 0.9, 0.95))
    stepped = (np.random.default_rng(1).random(len(true)) < steps).astype(float)
    assert choose_method(true, stepped, folds, ("none", "platt", "beta", "isotonic")) == "isotonic"


def test_calibrated_scores_are_nearer_to_what_happens():
    X, scores = needs(600)
    X_new, new = needs(seed=1)
    timid = small()  # all its scores are near the mean
    plain = timid.fit(X, scores).predict(X_new)
    mended = CalibratedScores(timid, folds=3).fit(X, scores)
    assert set(mended.methods_) - {"none"}
    errors = [np.square(found - new).mean() for found in (mended.predict(X_new), plain)]
    assert errors[0] < 0.5 * errors[1]


def test_maps_are_fitted_on_predictions_for_unseen_samples():
    X, scores = weighted()
    found = CalibratedScores(small(), method="platt", folds=3, random_state=2).fit(X, scores)
    unseen = out_of_fold(small(), X, scores, folds=3, seed=2)
    expected = fit_map("platt", unseen[:, 1], scores[:, 1])
    np.testing.assert_array_equal(found.scores_.maps[1].numbers, expected.numbers)


def test_out_of_fold_means_not_seen():
    X, y = np.arange(40.0)[:, None], np.random.default_rng(0).integers(0, 2, (40, 1)).astype(float)
    by_heart = small(max_trees=40, min_data_in_leaf=1, learning_rate=0.5, lambda_l2=0.0)
    seen = by_heart.fit(X, y).scores_.predict(X)
    unseen = out_of_fold(by_heart, X, y, folds=4, seed=0)
    assert np.abs(seen - y).mean() + 0.15 < np.abs(unseen - y).mean()


@pytest.mark.parametrize("method", ["none", "platt", "beta", "isotonic", "auto"])
def test_it_can_be_written_and_read(method):
    X, scores = weighted()
    assert_round_trip(
        CalibratedScores(small(), method=method, folds=2).fit(X, scores).scores_, X, 4
    )


RISING = np.array([[0.1, 0.9], [0.2, 0.8]])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"settings": {}}, "a list 'methods'"),
        ({"settings": {"methods": ["none"]}}, "must be 2 of"),
        ({"settings": {"methods": ["none", "magic"]}}, "must be 2 of"),
        ({"arrays": {}}, "need arrays"),
        ({"parts": {}}, "a part 'base'"),
        ({"arrays": {"map_0": np.zeros(1), "map_1": RISING}}, "no map of method 'none'"),
        ({"arrays": {"map_0": np.zeros(0), "map_1": RISING[:, ::-1]}}, "must rise"),
        ({"arrays": {"map_0": np.zeros(0), "map_1": np.full((2, 2), np.inf)}}, "no map of"),
        ({"arrays": {"map_0": np.zeros(0), "map_1": RISING[0]}}, "no map of method 'isotonic'"),
    ],
)
def test_states_that_are_not_well_formed_are_refused(changes, match):
    X, scores = needs(60, rungs=2)
    state = CalibratedScores(small(), method="none").fit(X, scores).scores_.state()
    known = {
        "settings": {"methods": ["none", "isotonic"]},
        "arrays": {"map_0": np.zeros(0), "map_1": RISING},
    }
    assert_refused(state, 4, 2, match, **{**known, **changes})


def test_settings_that_are_not_legal_are_refused():
    X, scores = needs(60)
    with pytest.raises(ValueError, match="method must be"):
        CalibratedScores(small(), method="magic").fit(X, scores)
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
        CalibratedScores(small(objective="regression"), method="beta").fit(X, 3 * scores)
