import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from budget.errors import PolicyError
from policies.families import restore_predictor
from policies.predictor_state import PredictorState
from policies.scores import LightGBMScores
from policies.shared_scores import PENALTIES, SharedScores

SMALL = LightGBMScores(max_trees=30, patience=5, objective="regression")


def options(count, seed=0):
    """Eight options that one hidden number decides, each seen through much noise of its own."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, 6))
    ease = 1 / (1 + np.exp(-X[:, :1] - 0.5 * X[:, 1:2]))
    chance = 0.1 + 0.8 * ease ** np.linspace(0.5, 2.0, 8)
    return X, (rng.random((count, 8)) < chance).astype(float), chance


@parametrize_with_checks([SharedScores(LightGBMScores(objective="regression", max_trees=3))])
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


def test_what_options_have_in_common_is_learned_from_all_of_them():
    X, y, _ = options(600)
    new, _, chance = options(2000, seed=1)
    shared = SharedScores(SMALL).fit(X, y)
    own = LightGBMScores(**SMALL.get_params()).fit(X, y)
    error = [np.mean((model.predict(new) - chance) ** 2) for model in (shared, own)]
    assert error[0] < 0.8 * error[1]
    # What matters to a choice is how options differ.
    spread = [
        np.mean((np.diff(model.predict(new)) - np.diff(chance)) ** 2) for model in (shared, own)
    ]
    assert spread[0] < 0.6 * spread[1]


def test_the_penalty_is_the_one_of_least_leave_one_out_error():
    X, y, _ = options(300)
    shared = SharedScores(SMALL, random_state=3).fit(X, y)
    assert shared.penalty_ in PENALTIES
    folds = np.random.default_rng(3).permutation(300) % 4
    left_out = np.empty_like(y)
    for fold in range(4):
        other = LightGBMScores(**SMALL.get_params()).fit(X[folds != fold], y[folds != fold])
        left_out[folds == fold] = other.predict(X[folds == fold])
    ridge = RidgeCV(PENALTIES).fit(left_out, y)
    assert ridge.alpha_ == shared.penalty_
    own = shared.scores_.base.predict(X)
    np.testing.assert_allclose(shared.predict(X), ridge.predict(own), atol=1e-9)


def test_with_few_samples_every_option_keeps_its_own_prediction():
    X, y, _ = options(20)
    shared = SharedScores(SMALL).fit(X, y)
    assert shared.penalty_ == np.inf
    np.testing.assert_array_equal(shared.predict(X), shared.scores_.base.predict(X))


def test_rows_do_not_depend_on_their_neighbours():
    X, y, _ = options(200)
    shared = SharedScores(SMALL).fit(X, y)
    alone = np.concatenate([shared.scores_.predict(row[None]) for row in X[:20]])
    np.testing.assert_array_equal(shared.scores_.predict(X)[:20], alone)


def test_a_state_comes_back_and_a_bad_one_is_refused():
    X, y, _ = options(120)
    state = SharedScores(SMALL).fit(X, y).scores_.state()
    back = restore_predictor(state, 6, 8)
    fitted = SharedScores(SMALL).fit(X, y).scores_
    np.testing.assert_array_equal(back.predict(X), fitted.predict(X))
    arrays, parts = dict(state.arrays), dict(state.parts)
    for bad, message in (
        (PredictorState("shared", {}, arrays), "beside a part 'base'"),
        (PredictorState("shared", {"a": 1}, arrays, parts=parts), "beside a part 'base'"),
        (
            PredictorState("shared", {}, {**arrays, "offsets": np.ones(3)}, parts=parts),
            "arrays must",
        ),
        (
            PredictorState("shared", {}, {**arrays, "offsets": np.full(8, np.nan)}, parts=parts),
            "finite float64",
        ),
        (
            PredictorState("shared", {}, {**arrays, "offsets": np.ones(8, int)}, parts=parts),
            "finite float64",
        ),
        (PredictorState("shared", {}, arrays, parts={"base": state}), "of another family"),
    ):
        with pytest.raises(PolicyError, match=message):
            restore_predictor(bad, 6, 8)


def test_one_fold_is_refused():
    X, y, _ = options(60)
    with pytest.raises(ValueError, match="folds must be at least 2, got 1"):
        SharedScores(SMALL, folds=1).fit(X, y)
