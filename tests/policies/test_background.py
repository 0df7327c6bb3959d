"""The typical requests that a policy carries: which ones, and the way to disk and back."""

import json

import numpy as np
import pytest
from known_policies import rows

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from budget.shipped import shipped_folder
from policies import load_policy
from policies.background import NUM_ROWS, Background, background_of, restore
from policies.contributions import background_in, explain_row
from policies.features import current_schema
from policies.logistic import LogisticScores
from policies.predictor_state import PredictorState
from policies.pricing import fit_score_policy

WIDTH = len(current_schema())


def fit():
    X = rows(150, seed=2)
    y = (X[:, :3] > 0.4).astype(float)
    return X, fit_score_policy(
        fit_features=X[:100],
        fit_scores=y[:100],
        calibration_features=X[100:],
        calibration_scores=y[100:],
        ladder=ScaleLadder((1, 4, 16)),
        predictor=LogisticScores(),
    )


@pytest.fixture(scope="module")
def fitted():
    return fit()


def test_easy_and_hard_requests_are_as_frequent_as_in_the_split():
    rng = np.random.default_rng(0)
    features = np.arange(1000.0)[:, None]
    gain = rng.exponential(size=1000)
    expected = np.column_stack([np.zeros(1000), gain])
    found = background_of(features, expected)
    assert found.features.shape == (NUM_ROWS, 1)
    kept = gain[found.features[:, 0].astype(int)]
    assert (np.diff(kept) > 0).all()
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert np.mean(kept <= np.quantile(gain, share)) == pytest.approx(share, abs=1 / NUM_ROWS)


@pytest.mark.parametrize("count", [1, 2, 5, 31, 32, 33])
def test_of_few_samples_each_is_taken_once(count):
    features = np.arange(float(count))[:, None]
    found = background_of(features, np.zeros((count, 2))).features[:, 0].tolist()
    assert len(set(found)) == len(found) == min(count, NUM_ROWS)
    assert set(found) <= set(range(count))


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        background_of(np.zeros((0, 3)), np.zeros((0, 2)))


def test_a_fit_leaves_requests_of_its_own_fit_split_and_always_the_same(fitted):
    X, policy = fitted
    kept = background_in(policy).features
    assert kept.shape == (NUM_ROWS, WIDTH)
    assert (kept[:, None] == X[:100]).all(axis=2).any(axis=1).all()
    assert (background_in(fit()[1]).features == kept).all()


def test_they_travel_with_the_policy(fitted, tmp_path):
    X, policy = fitted
    policy.save(tmp_path / "policy")
    loaded = load_policy(tmp_path / "policy")
    assert (background_in(loaded).features == background_in(policy).features).all()
    own, back = (explain_row(p, X[:1], background_in(p).features) for p in (policy, loaded))
    assert own.sentence == back.sentence


def test_an_older_policy_loads_and_says_how_to_add_them(fitted, tmp_path):
    _, policy = fitted
    policy.save(tmp_path / "policy")
    known = load_policy(tmp_path / "policy")
    del known.extras["background"]
    known.save(tmp_path / "policy")
    assert (
        "background" not in json.loads((tmp_path / "policy" / "policy.json").read_text())["extras"]
    )
    older = load_policy(tmp_path / "policy")
    assert (older.predictor.predict(rows(5)) == policy.predictor.predict(rows(5))).all()
    with pytest.raises(PolicyError, match="budget policy background"):
        background_in(older)


def state(**changes):
    arrays = {"features": np.zeros((8, WIDTH))}
    return PredictorState("background", **({"arrays": arrays} | changes))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (state(settings={"rows": 3}), "rows: Extra inputs"),
        (state(arrays={}), "its arrays must be"),
        (state(arrays={"features": np.zeros((8, 3))}), r"of shape \(any, "),
        (state(arrays={"features": np.zeros((8, WIDTH), np.float32)}), "must be float64"),
        (state(arrays={"features": np.zeros((1001, WIDTH))}), "at most 1000 requests, got 1001"),
        (state(texts={"a": "tree"}), "its texts must be"),
    ],
)
def test_what_is_not_well_formed_is_refused(broken, message):
    with pytest.raises(PolicyError, match=message):
        restore(broken, WIDTH, 3)


def test_what_is_well_formed_is_restored():
    kept = Background(rows(8))
    assert (restore(kept.state(), WIDTH, 3).features == kept.features).all()


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_the_shipped_policies_carry_theirs(name):
    policy = load_policy(shipped_folder(name) / "policy")
    typical = background_in(policy).features
    assert typical.shape == (NUM_ROWS, WIDTH)
    # Nothing of them is unlike the calibration split.
    assert not policy.outliers(typical).any()
    scores = policy.predictor.predict(typical)
    assert (np.diff(scores[:, -1] - scores[:, 0]) >= -1e-6).all()
