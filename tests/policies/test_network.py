import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.utils.estimator_checks import parametrize_with_checks
from state_checks import assert_refused, assert_round_trip, needs, weighted

from policies.features import current_schema
from policies.network import NetworkScores
from policies.network_scores import NetworkPredictor
from policies.network_training import Samples, network_outputs
from policies.question_features import QUESTION_NAMES


def network(**settings):
    return NetworkScores(**{"members": 1, "max_epochs": 3, "hidden_units": 8, **settings})


def schema_table(n=120, seed=0):
    """A table as wide as real ones, and scores that a question's and an image's column share."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(current_schema())))
    asks, sees = (current_schema().names.index(name) for name in ("asks_reading", "height_50"))
    right = (X[:, asks] > 0) == (X[:, sees] > 0)
    return X, np.column_stack([right, np.ones(n)]).astype(float)


@parametrize_with_checks([network(objective="regression", max_epochs=2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_follows_the_sklearn_contract(estimator, check):
    check(estimator)


def test_it_learns_what_a_feature_gives_away():
    X, scores = needs(seed=1)
    fitted = network(max_epochs=40, learning_rate=0.01, dropout=0.0).fit(*needs(600))
    assert np.abs(fitted.predict(X) - scores).mean() < 0.15


def test_regression_learns_scores_of_any_size():
    X, scores = needs(seed=1)
    settings = {"objective": "regression", "max_epochs": 40, "learning_rate": 0.01, "dropout": 0.0}
    X_fit, scores_fit = needs(600)
    found = network(**settings).fit(X_fit, 100 * scores_fit - 20).predict(X)
    assert np.abs(found - (100 * scores - 20)).mean() < 20


@pytest.mark.parametrize("table", [weighted, schema_table])
@pytest.mark.parametrize("rising", [False, True])
def test_numpy_predicts_what_torch_does(table, rising):
    X, scores = table()
    fitted = network(members=2, rising=rising, max_epochs=6, learning_rate=0.01).fit(X, scores)
    predictor = fitted.scores_
    inputs = torch.from_numpy(predictor.inputs.standardized(X))
    image, question = (inputs[:, columns] for columns in predictor.inputs[:2])
    samples = Samples(image, question, torch.zeros(()), torch.zeros(()))
    weights = {name: torch.from_numpy(weight) for name, weight in predictor.weights.items()}
    outputs = network_outputs(weights, samples, rising=rising).mean(dim=0).double()
    expected = torch.sigmoid(torch.from_numpy(predictor.start) + outputs)
    np.testing.assert_allclose(fitted.predict(X), expected.numpy(), atol=1e-6)


def test_the_question_modulates_the_image_on_real_tables_alone():
    X, scores = schema_table(60)
    on_schema, on_other = network().fit(X, scores).scores_, network().fit(*needs(60)).scores_
    names = np.array(current_schema().names)
    assert "film_weight" in on_schema.weights
    assert "film_weight" not in on_other.weights
    assert not set(names[on_schema.inputs.image]) & set(QUESTION_NAMES)
    assert set(QUESTION_NAMES) <= set(names[on_schema.inputs.question])
    assert set(on_schema.inputs.image) | set(on_schema.inputs.question) == set(range(X.shape[1]))


@pytest.mark.parametrize("objective", ["cross_entropy", "regression"])
def test_a_rising_network_never_falls(objective):
    X, scores = needs()
    fitted = network(rising=True, objective=objective).fit(X, scores[:, ::-1])
    assert (np.diff(fitted.predict(X), axis=1) >= 0).all()


def test_the_same_seed_gives_the_same_network_and_leaves_torch_alone():
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    X, scores = needs(120)
    first, again, other = (network(random_state=s).fit(X, scores).predict(X) for s in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_network_stops_before_it_knows_noise_by_heart():
    X = np.random.default_rng(0).normal(size=(200, 30))
    noise = np.random.default_rng(1).integers(0, 2, size=(200, 2)).astype(float)
    settings = {"learning_rate": 0.02, "dropout": 0.0, "weight_decay": 0.0, "max_epochs": 30}
    patient = network(patience=30, **settings).fit(X, noise).predict(X)
    # Learned by heart, predictions would be near the labels; the best on unseen ones is 0.5.
    assert np.abs(patient - noise).mean() > 0.35


def test_predicting_needs_no_torch():
    program = "import sys, policies.network; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("table", [weighted, schema_table])
def test_it_can_be_written_and_read(table):
    X, scores = table()
    assert_round_trip(network().fit(X, scores).scores_, X, scores.shape[1])


def other(**arrays):
    """Changes of a state's arrays, None to leave one out."""

    def change(state):
        changed = {**state.arrays, **arrays}
        return {name: array for name, array in changed.items() if array is not None}

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (other(image_weight=None), "needs 'image_weight'"),
        (other(image_weight=np.zeros((1, 4), np.float32)), "three dimensions"),
        (other(out_bias=np.zeros((1, 1, 3), np.float32)), "'out_bias' must be float32"),
        (other(out_bias=np.zeros((1, 1, 4))), "'out_bias' must be float32"),
        (other(out_bias=np.full((1, 1, 4), np.nan, np.float32)), "'out_bias' must be finite"),
        (other(out_bias=np.full((1, 1, 4), 1e30, np.float32)), "must lie within 10000"),
        (other(extra=np.zeros(1)), "needs arrays"),
        (other(image=np.array([0, 1, 2, 4])), "must be columns of 4"),
        (other(image=np.array([0.0, 1.0])), "must be a list of columns"),
        (other(centre=None), "'centre' must be"),
        (other(scale=np.zeros(4)), "'scale' must be positive"),
        (other(start=np.zeros(3)), "'start' must be"),
    ],
)
def test_arrays_that_are_not_well_formed_are_refused(change, match):
    state = network().fit(*needs(60)).scores_.state()
    assert_refused(state, 4, 4, match, arrays=change(state))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"settings": {"is_logit": True}}, "must be true or false"),
        ({"settings": {"is_logit": 1, "rising": True}}, "must be true or false"),
        ({"texts": {"x": "y"}}, "arrays alone"),
    ],
)
def test_states_that_are_not_well_formed_are_refused(changes, match):
    assert_refused(network().fit(*needs(60)).scores_.state(), 4, 4, match, **changes)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"members": 0}, "members must be"),
        ({"dropout": 1.0}, "dropout in"),
        ({"objective": "ranking"}, "objective must be"),
        ({"validation_fraction": 0.0}, "validation_fraction must be"),
    ],
)
def test_settings_that_are_not_legal_are_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        network(**settings).fit(*needs(60))


def test_far_away_features_are_clipped():
    X, scores = needs(60)
    predictor: NetworkPredictor = network().fit(X, scores).scores_
    far, further = (predictor.predict(np.full((1, 4), size)) for size in (1e6, 1e12))
    assert (far == further).all()
