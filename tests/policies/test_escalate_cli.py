import json
from typing import NamedTuple

import datasets
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import policies.cli
from budget.errors import DataError
from budget.escalation import STOP, Tried
from budget.types import Answer
from policies import ScoreEscalationPolicy, load_policy
from policies.escalation_reading import once_flops

TEXTS = np.array(["no", "yes"])


class Curves(NamedTuple):
    sample_ids: np.ndarray
    groups: np.ndarray
    scales: tuple[int, ...]
    scores: np.ndarray
    flops: np.ndarray
    seconds: np.ndarray
    answers: np.ndarray
    confidence: np.ndarray
    margin: np.ndarray
    entropy: np.ndarray

    @property
    def num_visual_tokens(self):
        return np.tile(self.scales, (len(self.scores), 1))


def made(n, name, scales=(1, 4, 16)):
    """Bright pictures need more tokens more often; a right answer is a sure one."""
    rng = np.random.default_rng(len(name))
    levels = 10 * rng.integers(0, 20, size=n)
    need = np.clip(levels // 67 + rng.integers(-1, 2, size=n), 0, 2)
    scores = (np.arange(3) >= need[:, None]).astype(float)
    right = scores.astype(int)
    flops = np.tile([4e8, 5e8, 9e8], (n, 1))
    sure = np.where(right, -0.1, -1.5) + rng.normal(scale=0.2, size=(n, 3)).clip(-0.4, 0.09)
    rows = {
        "id": [f"{name}-{i}" for i in range(n)],
        "image": [Image.new("RGB", (20, 20), (int(v),) * 3) for v in levels],
        "question": ["Is it there?"] * n,
    }
    groups = np.array(["dark", "light"])[(levels > 100).astype(int)]
    curves = Curves(
        np.array(rows["id"]), groups, scales, scores, flops, flops / 1e9,
        TEXTS[right], sure, np.where(right, 0.9, 0.3), np.where(right, 0.1, 1.0),
    )  # fmt: skip
    features = {"id": "string", "question": "string"}
    schema = {key: datasets.Value(kind) for key, kind in features.items()}
    schema["image"] = datasets.Image()
    return curves, datasets.Dataset.from_dict(rows, features=datasets.Features(schema))


@pytest.fixture
def splits(monkeypatch):
    tables = {name: made(n, name) for name, n in (("fit", 300), ("calibration", 200), ("test", 90))}

    def read_curves(path):
        if path.stem not in tables:
            raise DataError(f"no curves at {path}")
        return tables[path.stem][0]

    monkeypatch.setattr(policies.cli, "_readers", {})
    monkeypatch.setattr(policies.cli, "quiet_libraries", lambda: None)
    policies.cli.set_readers(
        read_curves, lambda spec, split, needed: tables[split][1], lambda path: {"model": "m3"}
    )
    return tables


def escalate(*more, **files):
    named = {"curves": "test", "fit-curves": "fit", "calibration": "calibration", **files}
    paths = [word for key, name in named.items() for word in (f"--{key}", f"{name}.parquet")]
    words = ["escalate", *paths, "--data", "toy", "--threads", 1, "--folds", 2, "--resamples", 20]
    return CliRunner().invoke(policies.cli.app, [str(word) for word in (*words, *more)])


def test_fit_save_and_compare(splits, tmp_path):
    found = escalate("--out", tmp_path / "policy")
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout.splitlines()[-1])
    assert (said["tier"], said["n"], said["cap"]) == ("escalate", 90, None)
    low, high = said["gap_closed_stable_low"], said["gap_closed_stable_high"]
    assert low < said["gap_closed_stable"] < high
    assert said["gap_closed_stable"] > said["pre_gap_closed_stable"] + 0.05
    assert said["kept_cache_gap_closed_stable"] >= said["gap_closed_stable"]
    assert len(said["gap_closed_at_budgets"]) == 5
    balanced = said["prices"]["balanced"]
    assert balanced["accuracy"] >= said["full_accuracy"] - 0.04
    assert 1 <= balanced["mean_tries"] <= 3
    assert 0 < balanced["flops_share"] < 1.5
    assert "confidence alone" in found.stdout

    policy = ScoreEscalationPolicy(load_policy(tmp_path / "policy"))
    described = policy.describe([Image.new("RGB", (20, 20))], ["Is it there?"])
    moves = [
        policy.next(described, [[Tried(0, Answer("yes", (1,), 1, 9, sure, 1, margin, entropy))]])
        for sure, margin, entropy in ((-0.1, 0.9, 0.1), (-1.5, 0.3, 1.0))
    ]
    assert moves[0].tolist() == [STOP]
    assert moves[1].tolist() != [STOP]


def test_a_cap_holds_for_every_sample_and_unknown_flops_are_null(splits):
    curves, data = splits["test"]
    splits["test"] = curves._replace(flops=np.full(curves.flops.shape, np.nan)), data
    found = escalate("--cap", 1.1)
    said = json.loads(found.stdout.splitlines()[-1])
    assert said["cap"] == 1.1
    assert max(each["most_tokens"] for each in said["prices"].values()) <= 1.1 * 16
    assert {each["flops_share"] for each in said["prices"].values()} == {None}


def test_tries_may_be_charged_in_flops_with_text_that_is_read_again(splits, tmp_path):
    found = escalate("--spend", "flops", "--kept-cache", "--out", tmp_path / "policy")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout.splitlines()[-1])["spend"] == "flops"
    policy = ScoreEscalationPolicy(load_policy(tmp_path / "policy"))
    rule = policy.escalation.rule.spending
    costs = np.array([4e8, 5e8, 9e8]) - once_flops("m3")
    np.testing.assert_allclose(rule.costs, costs / costs[-1])
    text = costs[0] - 1e8 / 3  # one token more costs a third of 1e8
    assert rule.again == pytest.approx(text / costs[-1])
    assert rule.step((0,), 1) == pytest.approx((1e8 + text) / costs[-1])


def test_the_picture_is_paid_once_where_the_model_is_known():
    assert 2e8 < once_flops("m3") < 3.8e8
    assert np.isnan(once_flops("no/such-folder"))
    assert np.isnan(once_flops(""))


@pytest.mark.parametrize(
    ("more", "files", "message"),
    [
        (("--cap", 0.5), {}, "cap must be at least 1, got 0.5"),
        (("--family", "magic"), {}, "no family 'magic'"),
        (("--spend", "coins"), {}, "--spend must be one of tokens, flops, got 'coins'"),
        ((), {"calibration": "fit"}, "the fit and the calibration curves share 300 samples"),
        ((), {"curves": "fit"}, "the evaluated and the fit curves share 300 samples"),
        ((), {"curves": "none"}, "no curves at none.parquet"),
    ],
)
def test_bad_input_is_one_line(splits, more, files, message):
    found = escalate(*more, **files)
    errors = [line for line in found.stderr.splitlines() if not line.startswith("Features of")]
    assert (found.exit_code, len(errors)) == (2, 1)
    assert message in errors[0]


def test_curves_that_do_not_say_how_sure_the_model_was(splits):
    curves, data = splits["fit"]
    splits["fit"] = curves._replace(confidence=np.full(curves.scores.shape, np.nan)), data
    found = escalate()
    assert found.exit_code == 2
    assert "fit.parquet has 900 answers of unknown confidence" in found.stderr


def test_curves_of_another_ladder_are_refused(splits):
    splits["test"] = made(90, "test", scales=(1, 4, 9))
    found = escalate()
    assert found.exit_code == 2
    assert "has scales (1, 4, 16)" in found.stderr
