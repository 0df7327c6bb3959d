"""``budget policy evaluate`` and ``study`` from their options to files and the line of JSON."""

import csv
import json
from typing import NamedTuple

import datasets
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import policies.cli
from budget.errors import DataError

FEATURES = datasets.Features(
    {
        "id": datasets.Value("string"),
        "image": datasets.Image(),
        "question": datasets.Value("string"),
        "level": datasets.Value("int64"),
    }
)


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
    """Bright pictures need more tokens than dark ones; every twentieth score is luck."""
    rng = np.random.default_rng(len(name))
    levels = 10 * rng.integers(0, 20, size=n)
    rows = {
        "id": [f"{name}-{i}" for i in range(n)],
        "image": [Image.new("RGB", (20, 20), (int(v),) * 3) for v in levels],
        "question": ["How many?"] * n,
        "level": levels.tolist(),
    }
    scores = (np.arange(3) >= (levels // 67)[:, None]).astype(float)
    scores = np.where(rng.random(scores.shape) < 0.05, 1 - scores, scores)
    flops = np.tile([1e6, 2e6, 4e6], (n, 1))
    groups = np.array(["a", "b"])[rng.integers(0, 2, size=n)]
    curves = Curves(np.array(rows["id"]), groups, (1, 4, 16), scores, flops, flops / 1e9)
    return curves, datasets.Dataset.from_dict(rows, features=FEATURES)


SPLITS = {name: bright(n, name) for name, n in (("fit", 300), ("calibration", 120), ("test", 200))}


def read_curves(path):
    if path.stem == "expected":  # what every score is worth without its luck
        table, data = SPLITS["test"]
        clear = (np.arange(3) >= (np.array(data["level"][:]) // 67)[:, None]).astype(float)
        return table._replace(scores=0.05 + 0.9 * clear)
    if path.stem == "part":
        table = SPLITS["test"][0]
        return Curves(*(v if isinstance(v, tuple) else v[:50] for v in table))
    if path.stem not in SPLITS:
        raise DataError(f"no curves at {path}")
    return SPLITS[path.stem][0]


def read_data(spec, split, needed):
    if missing := set(needed) - set(SPLITS[split][1].column_names):
        raise DataError(f"{spec} has no column {sorted(missing)[0]!r}")
    return SPLITS[split][1]


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policies") / "first"
    with pytest.MonkeyPatch.context() as patch:
        wire(patch)
        curves = ("--curves", "fit.parquet", "--calibration", "calibration.parquet")
        found = call("fit", *curves, "--data", "toy", "--out", folder, "--threads", 1)
        assert found.exit_code == 0, found.output
    return folder


def wire(patch):
    patch.setattr(policies.cli, "_readers", {})
    patch.setattr("budget.console.quiet_libraries", lambda: None)
    patch.setattr("policies.cli.quiet_libraries", lambda: None)
    patch.setattr("policies.evaluate_cli.quiet_libraries", lambda: None)
    policies.cli.set_readers(read_curves, read_data, lambda path: {"model": "toy"})


@pytest.fixture(autouse=True)
def wired(monkeypatch):
    wire(monkeypatch)


def call(*words):
    return CliRunner().invoke(policies.cli.app, [str(word) for word in words])


def evaluate(policy, *more, curves="test.parquet"):
    return call(
        *("evaluate", "--policy", policy, "--curves", curves, "--data", "toy"),
        *("--resamples", 20, *more),
    )


def last(found):
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout.splitlines()[-1])


def test_everything_is_measured_and_saved(policy, tmp_path):
    said = last(
        evaluate(
            policy,
            *("--fit-curves", "fit.parquet", "--calibration", "calibration.parquet"),
            *("--expected-curves", "expected.parquet", "--hidden-columns", "level"),
            *("--features-cache", tmp_path / "cache", "--out", tmp_path / "out"),
        )
    )
    assert (said["policy"], said["tier"], said["n"]) == ("first", "pre", 200)
    assert said["gap_closed_stable_low"] <= said["gap_closed_stable"]
    assert said["gap_closed_stable"] <= said["gap_closed_stable_high"]
    # Brightness is all there is to know, and the features say it: both close the same, luck apart.
    assert said["share_of_ceiling"] == pytest.approx(1.0, abs=0.15)
    assert said["share_of_ceiling"] == pytest.approx(
        said["gap_closed_stable"] / said["ceiling_gap_closed_stable"]
    )
    assert said["gap_closed_expected"] > said["gap_closed_any"]
    assert said["budgets_won_against_per_group"] == 5
    assert 3 <= said["budgets_won_significantly"] <= 5
    assert said["tokens_share_within_half_point"] < 0.8
    assert 0 < said["tokens_share_within_half_point_calibrated"] <= 1
    assert [at["budget"] for at in said["at_budgets"]] == pytest.approx(
        np.geomspace(1, 16, 7)[1:-1], rel=1e-6
    )
    saved = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert saved["summary"] == said
    assert set(saved["groups"]) == {"a", "b"}
    with (tmp_path / "out" / "metrics.csv").open() as file:
        rows = {(row["rule"], row["metric"], row["budget"]): row for row in csv.DictReader(file)}
    assert float(rows["first", "gap_closed_stable", ""]["value"]) == said["gap_closed_stable"]
    with (tmp_path / "out" / "calibration.csv").open() as file:
        rows = {(row["tokens"], row["metric"]): row for row in csv.DictReader(file)}
    assert [float(rows[m, "ece"]["value"]) for m in ("1", "4", "16")] == said["ece"]
    assert all(float(row["low"]) <= float(row["high"]) for row in rows.values())
    for name in ("frontier.png", "groups.png", "reliability-1.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "cache").iterdir())) == 4  # features of 2 splits, hidden of 2


def test_a_second_evaluation_from_the_cache_says_the_same(policy, tmp_path, monkeypatch):
    more = ("--fit-curves", "fit.parquet", "--features-cache", tmp_path, "--seed", 3)
    first = last(evaluate(policy, *more))

    def no_data(*asked):
        raise AssertionError("the data were read again")

    policies.cli.set_readers(read_curves, no_data)
    again = last(evaluate(policy, *more))
    changing = {"seconds", "decision_ms"}
    assert {k: v for k, v in first.items() if k not in changing} == {
        k: v for k, v in again.items() if k not in changing
    }


def test_several_policies_are_told_apart_and_budgets_may_be_given(policy, tmp_path):
    import shutil

    other = tmp_path / "second"
    shutil.copytree(policy, other)
    found = evaluate(policy, "--policy", other, "--budgets", "2,8", "--tier", "post-vision")
    said = last(found)
    assert said["tier"] == "post-vision"
    assert list(said["others"]) == ["second"]
    assert said["others"]["second"]["gap_closed_stable"] == said["gap_closed_stable"]
    assert [at["budget"] for at in said["at_budgets"]] == [2.0, 8.0]
    assert said["budgets_won_against_per_group"] is None  # no --fit-curves, no such baseline
    assert said["budgets_won_against_random_mix"] == 2
    assert said["ceiling_gap_closed_stable"] is None
    assert "second, no-loss" in found.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--budgets", "0.5"), "budgets must lie in 1..16 mean tokens"),
        (("--budgets", "few"), "--budgets takes numbers with commas between, got 'few'"),
        (("--fit-curves", "test.parquet"), "the fit and the evaluated curves share 200 samples"),
        (("--calibration", "test.parquet"), "calibration and the evaluated curves share 200"),
        (("--hidden-columns", "level"), "--hidden-columns needs --fit-curves"),
        (
            ("--hidden-columns", "smell", "--fit-curves", "fit.parquet"),
            "toy has no column 'smell'",
        ),
        (("--expected-curves", "part.parquet"), "lacks 150 of 200 evaluated samples"),
        (("--policy", "absent"), "no policy file can be read"),
    ],
)
def test_bad_input_is_one_line(policy, more, message):
    found = evaluate(policy, *more)
    assert found.exit_code == 2
    said = [line for line in found.stderr.splitlines() if line.startswith("budget:")]
    assert len(said) == 1
    assert message in said[0]


def test_all_studies_at_once(tmp_path):
    said = last(
        call(
            *("study", "--fit-curves", "fit.parquet", "--curves", "test.parquet"),
            *("--data", "toy", "--labels", "60,all", "--ablations", "--leave-one-group-out"),
            *("--draws", 1, "--resamples", 10, "--out", tmp_path),
        )
    )
    assert [row["labels"] for row in said["labels"]] == [60, 300]
    views = {row["view"]: row["gap_closed_stable"] for row in said["ablations"]}
    assert views["picture alone"] > 0.4 > views["question alone"]
    assert [row["group"] for row in said["unseen_groups"]] == ["a", "b"]
    assert json.loads((tmp_path / "study.json").read_text()) == said
    for name in ("labels.csv", "ablations.csv", "unseen_groups.csv", "labels.png"):
        assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "no study is wanted"),
        (("--labels", "some"), "positive numbers or 'all', got 'some'"),
        (("--labels", "all", "--family", "magic"), "no family 'magic'"),
        (("--labels", "all", "--fit-curves", "test.parquet"), "share 200 samples"),
    ],
)
def test_a_study_that_cannot_be_is_one_line(more, message):
    found = call(
        *("study", "--fit-curves", "fit.parquet", "--curves", "test.parquet", "--data", "toy"),
        *more,
    )
    assert found.exit_code == 2
    assert found.stderr.count("\n") == 1
    assert message in found.stderr
