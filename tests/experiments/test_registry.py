"""Policies are registered, promoted if they earn it, and found again; nothing lies elsewhere."""

import json
import shutil
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

import policies.cli
from budget.ladder import ScaleLadder
from experiments import policy_cli, tracked
from experiments.promotion import load_registered, promote, promoted_policy
from experiments.registry import (
    EVALUATE,
    POLICY_TAG,
    TEST_TAG,
    Registry,
    policy_sha256,
)
from experiments.tracking import MLflowTracker, open_client
from policies.features import current_schema
from policies.policy_files import load_policy
from policies.pricing import fit_score_policy
from policies.scores import LightGBMScores

SCALES = (1, 4, 16)


def samples(n, seed):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, len(current_schema())))
    scores = (np.arange(3) >= np.digitize(features[:, 0], [-0.5, 0.5])[:, None]).astype(float)
    return features, scores


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Two policies on disk."""
    folder = tmp_path_factory.mktemp("policies")
    for name, max_trees in (("one", 2), ("two", 8)):
        fit, calibration = samples(150, 0), samples(60, 1)
        fit_score_policy(
            fit_features=fit[0],
            fit_scores=fit[1],
            calibration_features=calibration[0],
            calibration_scores=calibration[1],
            ladder=ScaleLadder(SCALES),
            predictor=LightGBMScores(max_trees=max_trees, min_data_in_leaf=5),
        ).save(folder / name)
    return folder


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    """What MLflow takes a second or more to make, made once."""
    folder = tmp_path_factory.mktemp("empty")
    open_client(folder)
    return folder / "mlflow.db"


@pytest.fixture
def track(tmp_path, empty_database):
    folder = tmp_path / "track"
    folder.mkdir()
    shutil.copy(empty_database, folder)
    return folder


def evaluated(track, folder, value, test="t"):
    with MLflowTracker(EVALUATE, folder=track) as tracker:
        tracker.tag({POLICY_TAG: policy_sha256(folder), TEST_TAG: test})
        tracker.log({"gap_closed_stable": value}, step=0)


def call(*words):
    return CliRunner().invoke(policy_cli.app, [str(word) for word in words])


def last(found):
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout.splitlines()[-1])


def refused(found):
    assert found.exit_code == 2, found.output
    assert found.stderr.count("\n") == 1
    return found.stderr


def test_a_better_policy_takes_the_place_of_the_one_in_use(track, fitted):
    evaluated(track, fitted / "one", 0.30)
    evaluated(track, fitted / "two", 0.35)
    first = last(call("promote", fitted / "one", "--track", track))
    assert (first["name"], first["version"], first["in_use"]) == ("policy", 1, True)
    last(call("promote", fitted / "two", "--track", track))
    now = last(call("promoted", "--track", track))
    assert (now["version"], now["sha256"]) == (2, policy_sha256(fitted / "two"))
    listed = call("registry", "--track", track)
    assert last(listed) == {"policies": ["policy/1", "policy/2"], "in_use": ["policy/2"]}
    assert "30.0%" in listed.stdout
    plain = call("promoted", "--track", track, "--path")
    assert plain.stdout.strip() == now["policy"]
    assert policy_sha256(track.__class__(plain.stdout.strip())) == now["sha256"]


def test_a_worse_one_is_refused_unless_forced(track, fitted):
    evaluated(track, fitted / "one", 0.30)
    evaluated(track, fitted / "two", 0.35)
    last(call("promote", fitted / "two", "--track", track))
    told = refused(call("promote", fitted / "one", "--track", track))
    assert "policy/2 closes 30.0% of the stable gap, policy/1, which is in use, 35.0%" in told
    assert last(call("promote", "policy/2", "--track", track, "--force"))["in_use"]


def test_one_without_a_common_evaluation_is_refused(track, fitted):
    told = refused(call("promote", fitted / "one", "--track", track))
    assert "policy/1 was never evaluated here" in told
    evaluated(track, fitted / "one", 0.30, test="easy")
    last(call("promote", "policy/1", "--track", track))
    evaluated(track, fitted / "two", 0.90, test="hard")
    told = refused(call("promote", fitted / "two", "--track", track))
    assert "were never evaluated on the same curves" in told
    evaluated(track, fitted / "one", 0.95, test="hard")
    assert "which is in use, 95.0%" in refused(call("promote", "policy/2", "--track", track))
    evaluated(track, fitted / "one", 0.90, test="hard")  # the latest evaluation counts
    assert last(call("promote", "policy/2", "--track", track))["version"] == 2


def test_what_does_not_load_is_not_promoted_even_by_force(track, fitted, tmp_path):
    version = Registry(track).add_folder("policy", fitted / "one")
    model = sorted(version.folder.glob("*.txt"))[0]
    model.write_text(model.read_text() + "changed")
    assert "was changed" in refused(call("promote", "policy/1", "--track", track, "--force"))
    (version.folder / "policy.json").write_text("{}")
    told = refused(call("promote", "policy/1", "--track", track, "--force"))
    assert "it was registered as" in told
    shutil.rmtree(version.folder)
    assert "no policy in" in refused(call("promote", "policy/1", "--track", track, "--force"))
    (tmp_path / "empty").mkdir()
    told = refused(call("promote", tmp_path / "empty", "--track", track, "--force"))
    assert "no policy file can be read" in told


def test_the_same_policy_is_registered_once_under_a_name(track, fitted):
    registry = Registry(track)
    assert registry.add_folder("policy", fitted / "one") == registry.add_folder(
        "policy", fitted / "one"
    )
    assert registry.add_folder("other", fitted / "one").label == "other/1"
    assert [version.label for version in registry.versions()] == ["other/1", "policy/1"]
    assert [version.label for version in registry.versions("other")] == ["other/1"]


def test_a_registered_policy_is_a_copy_that_predicts_the_same(track, fitted):
    version = Registry(track).add_folder("policy", fitted / "one")
    promote(Registry(track), version, force=True)
    assert track in version.folder.parents
    features = samples(5, 2)[0]
    found, policy = promoted_policy(track)
    assert found.label == "policy/1"
    here = load_registered(version._replace(folder=fitted / "one"))
    assert (policy.predictor.predict(features) == here.predictor.predict(features)).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("promote", "policy/7"), "no policy 'policy/7' in the registry; there are none"),
        (("promoted",), "no policy 'policy' was promoted in"),
        (("promoted", "--register-as", "a/b"), "a name of policies must be plain text"),
        (("promoted", "--register-as", "x' OR name = 'y"), "must be plain text"),
    ],
)
def test_what_is_not_there_is_one_line(track, words, message):
    assert message in refused(call(*words, "--track", track))


def test_a_folder_without_a_database_is_one_line_and_stays_as_it_was(tmp_path):
    for words in (("registry",), ("promoted",), ("promote", "policy/1")):
        assert "nothing is registered in" in refused(call(*words, "--track", tmp_path))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mlflow.db").write_text("no database at all, " * 100)
    assert "cannot be used" in refused(call("registry", "--track", tmp_path))


class Curves(NamedTuple):
    sample_ids: np.ndarray
    groups: np.ndarray
    scales: tuple[int, ...]
    scores: np.ndarray
    flops: np.ndarray
    seconds: np.ndarray

    @property
    def num_visual_tokens(self):
        return np.tile(self.scales, (len(self.scores), 1))


class Pictures:
    def __init__(self, ids, levels):
        self.ids, self.levels = ids, levels

    def __getitem__(self, key):
        from PIL import Image

        if key == "id":
            return self.ids
        images = [Image.new("RGB", (20, 20), (int(self.levels[row]),) * 3) for row in key]
        return {"image": images, "question": ["How many?"] * len(images)}


def bright(name, n):
    """Bright pictures need more tokens than dark ones."""
    levels = 10 * np.random.default_rng(len(name)).integers(0, 20, size=n)
    scores = (np.arange(3) >= (levels // 67)[:, None]).astype(float)
    ids = np.array([f"{name}-{i}" for i in range(n)])
    flops = np.tile([1e6, 2e6, 4e6], (n, 1))
    return Curves(ids, np.full(n, "all"), SCALES, scores, flops, flops / 1e9), Pictures(ids, levels)


@pytest.fixture
def files(monkeypatch):
    splits = {name: bright(name, n) for name, n in (("fit", 90), ("calibration", 50), ("test", 60))}
    monkeypatch.setattr(policies.cli, "_readers", {})
    for module in (policies.cli, policy_cli):
        monkeypatch.setattr(module, "quiet_libraries", lambda: None)
    policies.cli.set_readers(
        lambda path: splits[path.stem][0], lambda spec, split, needed: splits[split][1]
    )


def test_tune_fit_evaluate_and_promote_leave_their_traces(files, track, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    tuning, policy = tmp_path / "tuning", tmp_path / "policy"
    common = ("--data", "toy", "--track", track)
    search = ("--trials", 2, "--folds", 2, "--repeats", 0, "--threads", 1)
    last(call("tune", "--curves", "fit", "--out", tuning, *search, *common))
    curves = ("--curves", "fit", "--calibration", "calibration")
    settings = ("--settings", tuning / "settings.json", "--threads", 1)
    fit = call("fit", *curves, *settings, "--out", policy, *common)
    assert last(fit)["n_fit"] == 90
    assert f"registered as policy/1 in {track}" in fit.stderr
    words = ("--policy", policy, "--curves", "test", "--resamples", 20)
    evaluation = last(call("evaluate", *words, *common))
    assert last(call("promote", "policy/1", "--track", track))["in_use"]

    client = open_client(track)
    runs = {}
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            runs[experiment.name] = run
    assert set(runs) == {"policy tune", "policy fit", "policy evaluate"}
    kept = runs["policy evaluate"].data
    assert kept.metrics["gap_closed_stable"] == evaluation["gap_closed_stable"]
    assert kept.metrics["gap_closed_stable_low"] == evaluation["gap_closed_stable_low"]
    assert kept.params["curves"] == "test"
    assert runs["policy fit"].data.tags[POLICY_TAG] == kept.tags[POLICY_TAG]
    assert runs["policy fit"].data.metrics["prices.no-loss"] >= 0
    artifacts = {item.path for item in client.list_artifacts(runs["policy tune"].info.run_id)}
    assert {"settings.json", "trials.csv", "tuning.png"} <= artifacts
    assert {item.path for item in client.list_artifacts(runs["policy fit"].info.run_id)} == {
        "policy"
    }
    assert list(elsewhere.iterdir()) == []


def test_a_command_that_fails_leaves_no_run(files, track, tmp_path):
    found = call(
        *("evaluate", "--policy", tmp_path, "--curves", "test", "--data", "toy", "--track", track)
    )
    assert "no policy file can be read" in refused(found)
    assert [e.name for e in open_client(track).search_experiments()] == ["Default"]


def test_a_family_without_a_space_is_refused_before_anything_is_read(files, tmp_path):
    words = ("--curves", "none", "--data", "toy", "--out", tmp_path / "tuning")
    told = refused(call("tune", "--family", "nix", *words))
    assert "no search space for the family 'nix'; there is one for " in told
    assert not (tmp_path / "tuning").exists()


def trees_of(folder):
    return [len(model.trees) for model in load_policy(folder).predictor.models]


def test_settings_change_what_is_fitted(files, tmp_path):
    words = ("fit", "--curves", "fit", "--calibration", "calibration", "--data", "toy")
    settings = tmp_path / "settings.json"
    settings.write_text('{"family": "lightgbm", "settings": {"max_trees": 1}}')
    told = refused(
        call(*words, "--family", "mean", "--settings", settings, "--out", tmp_path / "x")
    )
    assert "has settings of the family 'lightgbm', not of 'mean'" in told
    last(call(*words, "--threads", 1, "--settings", settings, "--out", tmp_path / "small"))
    assert trees_of(tmp_path / "small") == [1, 1, 1]
    more = ("--setting", "max_trees=2", "--setting", "patience=9")  # flags go above the file
    last(call(*words, "--threads", 1, "--settings", settings, *more, "--out", tmp_path / "two"))
    assert max(trees_of(tmp_path / "two")) == 2
    settings.write_text('{"family": "lightgbm", "settings": {"leafs": 1}}')
    told = refused(call(*words, "--settings", settings, "--out", tmp_path / "none"))
    assert "has no setting 'leafs'" in told.replace('"', "'")


def test_numbers_of_a_line_are_its_metrics():
    line = {"a": 1, "b": {"c": 0.5, "d": [1.0, None]}, "e": "text", "f": True, "g": None}
    assert dict(tracked._numbers(line)) == {"a": 1.0, "b.c": 0.5, "b.d.0": 1.0, "f": 1.0}


def test_without_track_mlflow_is_not_imported():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom experiments.policy_cli import app\n"
        "found = CliRunner().invoke(app, ['evaluate', '--policy', 'none', '--curves', 'none', "
        "'--data', 'none'])\nprint(found.exit_code, 'mlflow' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["2", "False"]
