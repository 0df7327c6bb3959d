"""The demo's report on a model that was hardly trained: every part is there and adds up."""

import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from budget.budgets import Budget
from experiments.cli import run
from experiments.train.build import Shape
from experiments.train.recipes import Steps
from experiments.train.run import run_recipe
from experiments.train.sources import draw_scenes
from oracle.curves import read_curves
from policies import load_policy

TINY = Shape(
    vision_width=32, vision_layers=1, text_width=32, text_layers=1, text_inner=48, vocabulary=300
)
KEYS = {
    "model",
    "n_test",
    "full_accuracy",
    "policy_accuracy",
    "policy_mean_tokens",
    "full_tokens",
    "gap_closed_stable",
    "gap_closed_any",
    "seconds",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    run_recipe(
        "m3",
        draw_scenes(64, processes=1),
        folder / "model",
        shape=TINY,
        steps=Steps(dense=1, words=1, drills=1, answers=1, nested=1),
        questions=2,
        seed=0,
        report=lambda *_: None,
    )
    sizes = ["--fit", "120", "--calibration", "60", "--test", "60"]
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = run(["demo", "--model", str(folder / "model"), "--out", str(folder / "out"), *sizes])
    return folder / "out", code, text.getvalue()


def test_last_line_is_json_with_the_promised_keys(report):
    _, code, text = report
    assert code == 0
    last = json.loads(text.strip().splitlines()[-1])
    assert set(last) >= KEYS
    assert last["n_test"] == 60
    assert last["full_tokens"] == 144


def test_table_has_every_baseline(report):
    text = report[2]
    for name in (
        *[f"fixed {m}" for m in (1, 4, 9, 36, 144)],
        "random mix",
        "per-group fixed",
        "policy, no-loss",
        "policy, balanced",
        "policy, aggressive",
        "oracle, stable",
        "oracle, any correct",
    ):
        assert name in text


def test_adaptive_answers_score_what_the_curves_say(report):
    folder, _, text = report
    last = json.loads(text.strip().splitlines()[-1])
    curves = read_curves(folder / "test.parquet")
    assert last["adaptive_accuracy"] == pytest.approx(last["policy_accuracy"])
    assert last["full_accuracy"] == pytest.approx(curves.scores[:, -1].mean())


def test_saved_policy_chooses_again_what_it_chose(report):
    folder, _, _ = report
    policy = load_policy(folder / "policy")
    images = [Image.new("RGB", (96, 96), "red")] * 2
    decision = policy.choose(images, ["What color is the star?"] * 2, budget=Budget(price=0.01))
    assert decision.rungs[0] == decision.rungs[1]
    assert np.isfinite(decision.scores).all()


def test_pictures_are_drawn(report):
    folder = report[0]
    for name in ("frontier.png", "examples.png"):
        with Image.open(folder / name) as picture:
            assert min(picture.size) > 300
            assert np.asarray(picture.convert("L")).std() > 5


def test_unknown_model_is_one_line(capsys):
    assert run(["demo", "--model", "no/such/folder/here"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "no/such/folder/here" in lines[0]
