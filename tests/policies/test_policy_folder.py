"""The folder that a policy is: written whole or not at all, and what else it may carry."""

from pathlib import Path

import numpy as np
import pytest

from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies import load_policy
from policies.extras import EXTRAS
from policies.features import current_schema
from policies.lightgbm_policy import ScorePolicy, fit_score_policy
from policies.policy_schema import is_own_file
from policies.predictor_state import PredictorState
from policies.scores import LightGBMScores
from policies.state_checks import array_of, refuse_other_names
from policies.whole_folder import whole_folder


@pytest.fixture(scope="module")
def policy():
    X = np.random.default_rng(0).random((120, len(current_schema())))
    y = (X[:, :3] > 0.4).astype(float)
    return fit_score_policy(
        fit_features=X[:80],
        fit_scores=y[:80],
        calibration_features=X[80:],
        calibration_scores=y[80:],
        ladder=ScaleLadder((1, 4, 16)),
        predictor=LightGBMScores(max_trees=2),
    )


@pytest.fixture
def folder(policy, tmp_path):
    policy.save(tmp_path / "saved" / "policy")
    return tmp_path / "saved" / "policy"


def test_a_policy_replaces_an_older_one_and_leaves_nothing_beside_it(policy, folder):
    stale = folder / "predictor-rung_9.txt"
    stale.write_text("tree")
    policy.save(folder)
    assert not stale.exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert load_policy(folder).prices == policy.prices


@pytest.mark.parametrize("name", ["notes.txt", "report.json", "figures/frontier.png"])
def test_a_folder_with_anything_else_in_it_is_left_alone(policy, folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(PolicyError, match="no policy's, so it is not replaced"):
        policy.save(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_file_in_the_place_of_the_folder_is_left_alone(policy, tmp_path):
    (tmp_path / "policy").write_text("mine")
    with pytest.raises(PolicyError, match="is a file"):
        policy.save(tmp_path / "policy")
    assert (tmp_path / "policy").read_text() == "mine"


def test_who_is_stopped_while_writing_leaves_the_older_policy_whole(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(KeyboardInterrupt), whole_folder(folder, is_own_file) as fresh:  # noqa: PT012
        (fresh / "policy.json").write_text("half of")
        raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_folder_that_cannot_be_written_is_one_line(policy):
    with pytest.raises(PolicyError, match="cannot be written to /proc/policy"):
        policy.save("/proc/policy")


class Note:
    """Something that a policy carries: one number and one array."""

    def __init__(self, epsilon, losses):
        self.epsilon, self.losses = epsilon, losses

    def state(self):
        return PredictorState("note", {"epsilon": self.epsilon}, {"losses": self.losses})


def restore(state, num_features, num_rungs):
    """What the registry calls for a note."""
    refuse_other_names(state, arrays=["losses"])
    return Note(state.settings["epsilon"], array_of(state, "losses", (num_rungs,)))


def test_what_a_policy_carries_beside_its_predictor_comes_back(policy, tmp_path, monkeypatch):
    monkeypatch.setitem(EXTRAS, "note", __name__)
    monkeypatch.setattr(policy, "extras", {"note": Note(0.01, np.array([0.3, 0.2, 0.1]))})
    policy.save(tmp_path / "policy")
    note = load_policy(tmp_path / "policy").extras["note"]
    assert note.epsilon == 0.01
    assert note.losses.tolist() == [0.3, 0.2, 0.1]


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (np.array([np.nan]), "NaN"),
        (np.zeros(0), "is empty"),
        (np.array(["a"]), "is of <U1"),
        (np.zeros(3, dtype=np.complex128), "is of complex128"),
    ],
)
def test_arrays_that_would_not_be_read_back_are_not_written(
    policy, tmp_path, monkeypatch, losses, message
):
    monkeypatch.setattr(policy, "extras", {"note": Note(0.01, losses)})
    with pytest.raises(PolicyError, match=message):
        policy.save(tmp_path / "policy")
    assert not (tmp_path / "policy").exists()


@pytest.mark.parametrize(
    "epsilon", [float("nan"), np.float64(0.1).reshape(1), {"a": 1}, "x" * 2000]
)
def test_settings_that_would_not_be_read_back_are_not_written(
    policy, tmp_path, monkeypatch, epsilon
):
    monkeypatch.setattr(policy, "extras", {"note": Note(epsilon, np.ones(3))})
    with pytest.raises(PolicyError, match=r"note cannot be saved: settings\.epsilon"):
        policy.save(tmp_path / "policy")


def test_a_predictor_of_another_ladder_makes_no_policy(policy):
    with pytest.raises(PolicyError, match="a ladder of 2 rungs needs as many predicted scores"):
        ScorePolicy(
            ladder=ScaleLadder((1, 4)),
            predictor=policy.predictor,
            rung_costs=np.array([1.0, 4.0]),
            cost_unit="tokens",
            prices=policy.prices,
            table=policy.table,
            feature_sha256=policy.feature_sha256,
        )


@pytest.mark.parametrize("name", ["m3", "mqt"])
def test_the_shipped_policies_load(name):
    weights = Path(__file__).parents[2] / "experiments" / "scenes" / "weights"
    policy = load_policy(weights / name / "policy")
    tokens = policy.ladder.scales
    assert policy.table.mean_tokens[0] == tokens[0]
    assert set(policy.prices) == {"no-loss", "balanced", "aggressive"}
