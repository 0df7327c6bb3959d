import json
import subprocess
import sys
from typing import NamedTuple

import datasets
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import policies.cli
from budget.budgets import Budget
from budget.errors import DataError, PolicyError
from budget.risk import Risk
from policies import load_policy
from policies.budget_solver import SplitCosts, mixed_mean
from policies.features import featurize


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


def bright(n, name):
    """Bright pictures need more tokens than dark ones."""
    rng = np.random.default_rng(len(name))
    levels = 10 * rng.integers(0, 20, size=n)  # so few that every split has them all
    rows = {
        "id": [f"{name}-{i}" for i in range(n)],
        "image": [Image.new("RGB", (20, 20), (int(v),) * 3) for v in levels],
        "question": ["How many?"] * n,
    }
    scores = (np.arange(3) >= (levels // 67)[:, None]).astype(float)
    flops = np.tile([1e6, 2e6, 4e6], (n, 1))
    ids, groups = np.array(rows["id"]), np.array(["dark", "light"])[(levels > 100).astype(int)]
    curves = Curves(ids, groups, (1, 4, 16), scores, flops, flops / 1e9)
    return curves, datasets.Dataset.from_dict(
        rows,
        features=datasets.Features(
            {
                "id": datasets.Value("string"),
                "image": datasets.Image(),
                "question": datasets.Value("string"),
            }
        ),
    )


@pytest.fixture
def files(monkeypatch):
    splits = {
        name: bright(n, name) for name, n in (("fit", 300), ("calibration", 100), ("test", 60))
    }

    def read_curves(path):
        if path.stem not in splits:
            raise DataError(f"no curves at {path}")
        return splits[path.stem][0]

    def read_data(spec, split, needed):
        assert set(needed) <= set(splits[split][1].column_names)
        return splits[split][1]

    monkeypatch.setattr(policies.cli, "_readers", {})
    monkeypatch.setattr(policies.cli, "quiet_libraries", lambda: None)
    policies.cli.set_readers(read_curves, read_data, lambda path: {"model": "toy"})


def call(*words):
    return CliRunner().invoke(policies.cli.app, [str(word) for word in words])


def fit(out, *more):
    curves = ("--curves", "fit.parquet", "--calibration", "calibration.parquet")
    return call("fit", *curves, "--data", "toy", "--out", out, "--threads", 1, *more)


@pytest.mark.parametrize("cost", ["tokens", "flops"])
def test_fit_then_evaluate(files, tmp_path, cost):
    fitted = fit(tmp_path / "policy", "--cost", cost)
    assert fitted.exit_code == 0, fitted.output
    assert json.loads(fitted.stdout.splitlines()[-1])["n_fit"] == 300
    found = call(
        *("evaluate", "--policy", tmp_path / "policy", "--curves", "test.parquet"),
        *("--data", "toy", "--fit-curves", "fit.parquet", "--resamples", 50),
    )
    assert found.exit_code == 0, found.output
    last = json.loads(found.stdout.splitlines()[-1])
    assert last["n"] == 60
    assert last["full_tokens"] == 16
    assert last["policy_accuracy"] >= last["full_accuracy"] - 0.05
    assert last["policy_mean_tokens"] < 16
    assert last["gap_closed_stable"] > last["per_group_gap_closed_stable"]
    assert "oracle, any correct" in found.stdout


def test_promises_are_calibrated_and_kept_with_the_policy(files, tmp_path):
    fitted = fit(tmp_path / "policy", "--risk", "0.2:0.3", "--risk", "0.01:0.05")
    assert fitted.exit_code == 0, fitted.output
    risks = json.loads(fitted.stdout.splitlines()[-1])["risks"]
    assert [(row["epsilon"], row["delta"]) for row in risks[:1]] == [(0.005, 0.05)]
    assert len(risks) == 7  # the six that are always there, one of which was asked for too
    assert risks[-1]["mean_tokens"] < 16  # 100 samples show a loss of 0.2
    assert risks[0]["price"] is None  # but not one of 0.005
    policy = load_policy(tmp_path / "policy")
    expected = np.tile([[0.2, 0.6, 0.61]], (5, 1))
    strict, loose = Budget(risk=Risk(0.005, 0.05)), Budget(risk=Risk(0.2, 0.3))
    assert policy.choose_from(expected, budget=strict).tolist() == [2] * 5
    assert policy.choose_from(expected, budget=loose).max() < 2
    pictures, questions = [Image.new("RGB", (20, 20))] * 2, ["How many?"] * 2
    assert "full scale for all" in policy.choose(pictures, questions, budget=strict).note
    assert policy.choose(pictures, questions, budget=loose).note == ""
    looser = Budget(risk=Risk(0.25, 0.4))
    assert (
        policy.choose(pictures, questions, budget=looser).note == f"as calibrated for {loose.risk}"
    )
    with pytest.raises(PolicyError, match=r"not calibrated for a loss of at most 0\.001 "):
        policy.choose(pictures, questions, budget=Budget(risk=Risk(0.001)))


def test_means_of_flops_are_met_and_of_milliseconds_refused(files, tmp_path):
    assert fit(tmp_path / "policy").exit_code == 0
    policy = load_policy(tmp_path / "policy")
    curves, data = bright(100, "calibration")
    expected = policy.predict_scores(data["image"][:], data["question"][:])
    mix = policy.mix_of(Budget(mean_flops=1.8e6))
    split = SplitCosts(expected, curves.scores, curves.flops)
    spent = mixed_mean(split, policy.rung_costs, mix, curves.flops)
    assert spent == pytest.approx(1.8e6, rel=1e-9)
    rungs = policy.choose_from(expected, budget=Budget(mean_flops=1.8e6))
    assert curves.flops[np.arange(100), rungs].mean() == pytest.approx(1.8e6, rel=0.05)
    with pytest.raises(PolicyError, match=r"not calibrated for mean_ms \(12\)"):
        policy.choose_from(expected, budget=Budget(mean_ms=12))


def test_a_fitted_policy_watches_a_stream(files, tmp_path):
    assert fit(tmp_path / "policy").exit_code == 0
    policy = load_policy(tmp_path / "policy")
    monitor = policy.watch(np.random.default_rng(0))
    dark = featurize([Image.new("RGB", (20, 20))] * 300, ["How many?"] * 300)
    report = monitor.update(dark, policy.predictor.predict(dark))
    assert report.alarm_at is not None
    assert not report.outliers.any()  # dark pictures were there, only not so many


@pytest.mark.parametrize(
    ("risk", "message"), [("0.01", "epsilon:delta"), ("2:0.1", "epsilon must")]
)
def test_a_risk_that_cannot_be_read_is_one_line(files, tmp_path, risk, message):
    fitted = fit(tmp_path / "policy", "--risk", risk)
    assert fitted.exit_code == 2
    assert message in fitted.stderr
    assert fitted.stderr.count("\n") == 1


def test_another_family_is_fitted_with_settings(files, tmp_path):
    words = ("--family", "neighbours", "--setting", "num_neighbours=7", "--setting", "sharpness=0")
    fitted = fit(tmp_path / "policy", *words)
    assert fitted.exit_code == 0, fitted.output
    assert json.loads(fitted.stdout.splitlines()[-1])["family"] == "neighbours"
    predictor = load_policy(tmp_path / "policy").predictor
    assert predictor.num_neighbours == 7
    assert (predictor.importance == 1).all()


def test_a_policy_can_be_priced_in_measured_milliseconds(files, tmp_path, calibration):
    """One price, two machines: on the steep one the last scale is chosen less often."""
    chosen = []
    for name, last in (("even", 6.0), ("steep", 400.0)):
        fitted = fit(tmp_path / name, "--cost", calibration((4.0, 5.0, last)))
        assert fitted.exit_code == 0, fitted.output
        said = json.loads(fitted.stdout.splitlines()[-1])
        assert said["cost"] == "ms"
        assert said["rung_costs"] == pytest.approx([6.0, 7.0, last + 2.0], rel=1e-3)
        policy = load_policy(tmp_path / name)  # what a policy folder keeps
        assert policy.cost_unit == "ms"
        known = policy.table.mean_ms
        assert known[0] == pytest.approx(6.0, rel=1e-3)
        assert policy.price_of(Budget(mean_ms=float(known[-1]))) == 0.0
        expected = np.tile([[0.2, 0.6, 0.9]], (5, 1))
        chosen.append(policy.choose_from(expected, budget=Budget(price=0.4)).tolist())
    assert chosen == [[2] * 5, [1] * 5]


def test_a_calibration_of_another_model_or_ladder_is_one_line(files, tmp_path, calibration):
    other = calibration((4.0, 5.0, 6.0), model="m3")
    short = calibration((4.0, 5.0), scales=(1, 16))
    for path, message in ((other, "was measured on 'm3'"), (short, "has scales (1, 16)")):
        found = fit(tmp_path / "policy", "--cost", path)
        assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
        assert message in found.stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--cost", "euros"), "cost must be 'tokens', 'flops' or a calibration file, got 'euros'"),
        (("--cost", "absent.json"), "no calibration can be read at absent.json"),
        (("--calibration", "fit.parquet", "--calibration-split", "fit"), "share 300 samples"),
        (("--calibration", "none.parquet"), "no curves at none.parquet"),
        (("--family", "forest"), "no family 'forest'; there are"),
        (("--setting", "trees=3"), "got 'trees=3'"),
        (("--family", "logistic", "--setting", "penalty=-1"), "penalty must be a number"),
        (("--fit-split", "test"), "300 of 300 samples of the curves are not in toy (test)"),
    ],
)
def test_bad_input_is_one_line(files, tmp_path, more, message):
    found = fit(tmp_path, *more)
    assert found.exit_code == 2
    errors = [line for line in found.stderr.splitlines() if not line.startswith("Features of")]
    assert len(errors) == 1
    assert message in errors[0]


def test_a_folder_of_other_files_is_refused_before_anything_is_read(files, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    found = fit(tmp_path, "--calibration", "none.parquet")
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert "holds 'notes.txt', which is no policy's" in found.stderr


def test_a_folder_without_a_policy_is_one_line(files, tmp_path):
    found = call("evaluate", "--policy", tmp_path, "--curves", "test.parquet", "--data", "toy")
    assert found.exit_code == 2
    assert "no policy file can be read" in found.stderr


def test_without_readers_it_says_how_to_run_it(monkeypatch, tmp_path):
    monkeypatch.setattr(policies.cli, "_readers", {})
    found = fit(tmp_path)
    assert found.exit_code == 2
    assert "budget policy" in found.stderr


def test_help_does_not_import_what_is_heavy():
    heavy = ("torch", "lightgbm", "sklearn", "datasets", "PIL")
    code = f"import sys, policies.cli; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
