"""``budget policy fit-table`` and ``evaluate-table`` from the command line."""

import csv
import json

import numpy as np
import pytest
from router_tables import MODELS, router_table, write_csv
from typer.testing import CliRunner

import policies.cli

TWO = {name: MODELS[name] for name in ("mistralai/mistral-7b-chat", "gpt-4-1106-preview")}


def call(*words):
    return CliRunner().invoke(policies.cli.app, [str(word) for word in words])


def fit(table, out, *more):
    return call("fit-table", "--table", table, "--out", out, "--threads", 1, *more)


def last_line(found):
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout.splitlines()[-1])


@pytest.fixture(autouse=True)
def _plain_libraries(monkeypatch):
    monkeypatch.setattr(policies.cli, "quiet_libraries", lambda: None)


@pytest.fixture(scope="module")
def two_options(tmp_path_factory):
    drawn = router_table(1200, models=TWO).columns
    return write_csv(tmp_path_factory.mktemp("table") / "two.csv", drawn)


def test_fit_then_evaluate_two_options(two_options, tmp_path):
    fitted = last_line(fit(two_options, tmp_path / "policy"))
    assert fitted["options"] == ["mistralai/mistral-7b-chat", "gpt-4-1106-preview"]
    assert fitted["n"] == fitted["n_fit"] + fitted["n_calibration"] + fitted["n_test"] == 1200
    assert fitted["best_option"] == "gpt-4-1106-preview"
    words = ("evaluate-table", "--table", two_options, "--policy", tmp_path / "policy")
    found = call(*words, "--resamples", 50)
    said = last_line(found)
    for count in ("n", "n_fit", "n_calibration", "n_test"):
        assert said[count] == fitted[count]
    assert f"{said['n_test']} held-out samples of two.csv" in found.stdout
    assert 0.0 < said["apgr"] <= 1.0
    assert said["gap_closed_any"] > 0.05
    assert said["gap_closed_any_95"][0] <= said["gap_closed_any"] <= said["gap_closed_any_95"][1]
    assert said["gap_closed_any"] > said["per_group_gap_closed_any"]
    assert len(said["gap_closed_any_at"]) == 5
    for name in ("always gpt-4-1106-preview", "random mix", "per-group fixed", "oracle, any"):
        assert name in found.stdout
    assert last_line(call(*words, "--resamples", 50))["apgr"] == said["apgr"]


def test_some_of_eleven_options_and_the_group_as_a_feature(tmp_path):
    path = write_csv(tmp_path / "eleven.csv", router_table(400).columns)
    chosen = "gpt-4-1106-preview, claude-v1,zero-one-ai/Yi-34B-Chat"
    out = tmp_path / "policy"
    plain = last_line(fit(path, out, "--options", chosen, "--shares", "0.5,0.2,0.3"))
    assert plain["options"] == ["zero-one-ai/Yi-34B-Chat", "claude-v1", "gpt-4-1106-preview"]
    assert plain["n_test"] / 400 == pytest.approx(0.3, abs=0.08)
    grouped = last_line(fit(path, out, "--options", chosen, "--group-feature"))
    assert grouped["n_features"] == plain["n_features"] + 2
    other = last_line(fit(path, out, "--options", chosen, "--split-seed", 1))
    assert other["best_option_score"] != grouped["best_option_score"]
    said = last_line(call("evaluate-table", "--table", path, "--policy", out, "--resamples", 10))
    assert said["n_test"] == other["n_test"]


def bad(tmp_path, change, count=300):
    columns = router_table(count, models=TWO).columns
    change(columns)
    return write_csv(tmp_path / "bad.csv", columns)


def put(name, row, value):
    def change(columns):
        columns[name][row] = value

    return change


WEAK = "mistralai/mistral-7b-chat"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(WEAK, 3, float("nan")), f"option '{WEAK}' has nan for sample"),
        (put(WEAK, 3, float("inf")), f"option '{WEAK}' has inf for sample"),
        (put(WEAK, 3, 1.5), "a number in [0, 1]"),
        (put(WEAK, 3, "good"), "row 4"),
        (put(f"{WEAK}|total_cost", 3, -1e-5), "has -1e-05 for sample"),
        (put(f"{WEAK}|total_cost", 3, ""), "has nan for sample"),
        (lambda c: c.update({f"{WEAK}|total_cost": [0] * 300}), "costs nothing on any sample"),
        (lambda c: c.pop(f"{WEAK}|total_cost"), "has no column of costs"),
        (lambda c: c["sample_id"].__setitem__(1, c["sample_id"][0]), "is there 2 times"),
        (lambda c: [c.pop(name) for name in list(c) if WEAK in name], "at least two options"),
        (lambda c: c.pop("prompt"), "no column of the questions (prompt or question)"),
        (lambda c: [values.clear() for values in c.values()], "has no rows"),
        (lambda c: c.update(prompt=["the same"] * 300), "300 samples of 1 different texts"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path, change, message):
    found = fit(bad(tmp_path, change), tmp_path / "policy")
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1), found.output
    assert message in found.stderr
    assert not (tmp_path / "policy").exists()


def test_ten_samples_make_a_policy_that_knows_means(tmp_path):
    path = bad(tmp_path, lambda columns: None, count=10)
    found = fit(path, tmp_path / "policy")
    assert "6 samples to fit on are few" in found.stderr
    assert last_line(found)["n_calibration"] == 3
    said = last_line(call("evaluate-table", "--table", path, "--policy", tmp_path / "policy"))
    assert said["n_test"] == 1


def test_shares_that_ten_samples_leave_empty_are_one_line(tmp_path):
    path = bad(tmp_path, lambda columns: None, count=10)
    found = fit(path, tmp_path / "policy", "--split-seed", 13)
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert "10 samples of 10 different texts are too few" in found.stderr
    assert "7 for fit, 0 for calibration, 3 for test" in found.stderr


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_constant_scores_make_a_policy_that_takes_the_cheapest(tmp_path, score):
    def change(columns):
        columns.update({name: [score] * 300 for name in TWO})

    path, out = bad(tmp_path, change), tmp_path / "policy"
    fitted = fit(path, out)
    assert f"the policy always takes the cheapest, {WEAK}" in fitted.stderr
    said = last_line(call("evaluate-table", "--table", path, "--policy", out, "--resamples", 10))
    with path.open() as file:
        costs = [float(row[f"{WEAK}|total_cost"]) for row in csv.DictReader(file)]
    assert said["policy_mean_cost"] == pytest.approx(np.mean(costs), rel=0.2)
    assert said["policy_score"] == pytest.approx(score)
    assert said["gap_closed_any"] is None


def test_options_of_one_cost_still_make_a_policy(tmp_path):
    def change(columns):
        columns.update({f"{name}|total_cost": [0.25] * 300 for name in TWO})

    path, out = bad(tmp_path, change), tmp_path / "policy"
    last_line(fit(path, out))
    said = last_line(call("evaluate-table", "--table", path, "--policy", out, "--resamples", 10))
    assert said["policy_mean_cost"] == pytest.approx(0.25)


def test_a_table_without_what_the_policy_chooses_from_is_one_line(two_options, tmp_path):
    last_line(fit(two_options, tmp_path / "policy"))
    path = write_csv(
        tmp_path / "other.csv",
        router_table(50, models={name: MODELS[name] for name in ("claude-v1", WEAK)}).columns,
    )
    found = call("evaluate-table", "--table", path, "--policy", tmp_path / "policy")
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert "no option 'gpt-4-1106-preview'; there are" in found.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--table", "t.csv", "--shares", "0.5,0.5"), "shares must be three numbers"),
        (("--table", "t.csv"), "t.csv cannot be read: No such file"),
        (("--table", "t.pkl"), "is a pickle, which can run code"),
    ],
)
def test_flags_that_do_not_fit_are_one_line(tmp_path, words, message):
    found = call("fit-table", "--out", tmp_path, *words)
    assert (found.exit_code, found.stderr.count("\n")) == (2, 1)
    assert message in found.stderr


def test_a_layout_that_is_none_is_one_line(two_options, tmp_path):
    found = fit(two_options, tmp_path, "--layout", "excel")
    assert "no layout 'excel'; legal are routerbench, mmr-bench" in found.stderr
    assert fit(two_options, tmp_path, "--layout", "mmr-bench").exit_code == 2
