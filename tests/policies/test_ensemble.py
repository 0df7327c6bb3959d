from itertools import pairwise

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from state_checks import assert_refused, assert_round_trip, needs, weighted

from policies.ensemble import EnsembleScores, fit_weights, mix
from policies.scores import LightGBMScores


def small(**settings):
    return LightGBMScores(**{"max_trees": 8, "min_data_in_leaf": 2, **settings})


def ensemble(**settings):
    parts = [("first", small()), ("second", small(random_state=1, num_leaves=3))]
    return EnsembleScores(parts, **{"folds": 2, **settings})


def regressions():
    return [("a", small(objective="regression")), ("b", small(objective="regression", max_trees=2))]


@parametrize_with_checks([EnsembleScores(regressions(), folds=2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


def test_weights_find_what_the_scores_were_mixed_of():
    rng = np.random.default_rng(0)
    parts = [rng.random((400, 3)) for _ in range(3)]
    for space in ("probability", "logit"):
        mixed = mix(parts, np.array([0.7, 0.0, 0.3]), space)
        found = fit_weights(parts, mixed, space)
        assert found == pytest.approx([0.7, 0.0, 0.3], abs=5e-3)


def test_weights_are_never_negative_and_sum_to_one():
    rng = np.random.default_rng(0)
    y = rng.random((200, 2))
    weights = fit_weights([y, 1 - y, rng.random((200, 2))], y, "probability")
    assert weights == pytest.approx([1.0, 0.0, 0.0], abs=2e-3)
    assert weights.sum() == pytest.approx(1.0)


def test_a_part_that_only_knows_what_it_was_fitted_on_gets_no_weight():
    X, scores = needs(200)
    X = np.column_stack([X, np.random.default_rng(0).normal(size=(200, 8))])
    y = np.clip(scores + np.random.default_rng(1).normal(size=scores.shape), 0, 1).round()
    # Grown until every sample has its leaf: perfect on what it has seen, worse on what it has not.
    knows_by_heart = LightGBMScores(
        max_trees=50,
        min_data_in_leaf=1,
        lambda_l2=0.0,
        learning_rate=0.5,
        num_leaves=64,
        patience=50,
    )
    fitted = EnsembleScores([("heart", knows_by_heart), ("small", small(max_trees=20))], folds=3)
    weights = fitted.fit(X, y).weights_
    assert weights[1] > 0.6


@pytest.mark.parametrize("space", ["probability", "logit"])
def test_equal_weights_give_the_mean_of_the_parts(space):
    X, scores = weighted()
    fitted = ensemble(weights="equal", space=space).fit(X, scores)
    first, second = (part.fit(X, scores).predict(X) for _, part in fitted.estimators)
    if space == "probability":
        np.testing.assert_allclose(fitted.predict(X), (first + second) / 2)
    else:
        odds = np.sqrt(first / (1 - first) * second / (1 - second))
        np.testing.assert_allclose(fitted.predict(X), odds / (1 + odds), atol=1e-3)


def test_parts_asked_at_once_say_what_they_say_alone():
    X, scores = weighted()
    fitted = EnsembleScores(
        [("a", small()), ("b", small(monotone=True)), ("c", small(num_leaves=3, max_trees=3))],
        weights="equal",
    ).fit(X, scores)
    alone = [part.predict(X) for part in fitted.scores_.parts]
    np.testing.assert_array_equal(fitted.predict(X), mix(alone, np.ones(3) / 3, "probability"))


def test_monotone_predictions_never_fall():
    X, scores = needs()
    found = ensemble(monotone=True, weights="equal").fit(X, scores[:, ::-1]).predict(X)
    assert (np.diff(found, axis=1) >= 0).all()


def test_settings_of_parts_can_be_set():
    fitted = ensemble().set_params(first__max_trees=3)
    assert fitted.get_params()["first__max_trees"] == 3


def test_parts_without_weight_are_not_kept():
    X, scores = needs()
    useless = small(max_trees=1, learning_rate=1e-9)
    fitted = EnsembleScores([("good", small(max_trees=60)), ("useless", useless)], folds=2)
    fitted.fit(X, scores)
    assert len(fitted.scores_.parts) == np.count_nonzero(fitted.weights_)
    assert fitted.weights_[0] > 0.9


def test_without_parts_it_is_lightgbm_and_the_network():
    X, scores = weighted(60)
    fitted = EnsembleScores(weights="equal").fit(X, scores)
    kinds = [part.state().kind for part in fitted.scores_.parts]
    assert kinds == ["lightgbm", "network"]


@pytest.mark.parametrize("space", ["probability", "logit"])
def test_it_can_be_written_and_read(space):
    X, scores = weighted()
    assert_round_trip(ensemble(space=space).fit(X, scores).scores_, X, 4)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"parts": {}}, "needs 1 to 20 parts"),
        ({"settings": {"space": "odds", "monotone": False}}, "needs 'space'"),
        ({"settings": {"space": "logit", "monotone": 1}}, "needs 'space'"),
        ({"arrays": {}}, "as many 'weights'"),
        ({"arrays": {"weights": np.ones(3) / 3}}, "as many 'weights'"),
        ({"arrays": {"weights": np.array([1.5, -0.5])}}, "at least 0 and sum to 1"),
        ({"arrays": {"weights": np.array([np.nan, 1.0])}}, "at least 0 and sum to 1"),
    ],
)
def test_states_that_are_not_well_formed_are_refused(changes, match):
    state = ensemble(weights="equal").fit(*needs(60)).scores_.state()
    assert_refused(state, 4, 4, match, **changes)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"weights": "best"}, "weights must be"),
        ({"space": "odds"}, "space one of"),
        ({"estimators": []}, "estimators must be"),
        ({"folds": 1}, "folds must be"),
    ],
)
def test_settings_that_are_not_legal_are_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        ensemble().set_params(**settings).fit(*needs(60))


def test_logits_need_scores_within_one():
    X, scores = needs(60)
    parts = EnsembleScores(regressions(), space="logit")
    with pytest.raises(ValueError, match="for logits"):
        parts.fit(X, 2 * scores)


def test_more_of_the_better_part_the_better_it_is():
    rng = np.random.default_rng(0)
    y = rng.random((500, 2))
    noisy = [
        fit_weights(
            [y + 0.1 * rng.normal(size=y.shape), y + s * rng.normal(size=y.shape)], y, "probability"
        )[0]
        for s in (0.1, 0.2, 0.4)
    ]
    assert all(a < b for a, b in pairwise(noisy))
