import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import budget.cli
from budget.budgets import Decision
from budget.ladder import ScaleLadder

MODEL = Path(__file__).parents[1] / "fixtures" / "m3_original"


class QuestionLengthPolicy:
    """A question of up to three words gets the second rung, a longer one the last."""

    def __init__(self, ladder):
        self.ladder = ladder

    def choose(self, images, questions, *, budget=None):
        rungs = np.array([1 if len(q.split()) <= 3 else len(self.ladder) - 1 for q in questions])
        return Decision(rungs, np.linspace(0, 1, len(self.ladder))[None].repeat(len(rungs), 0))


@pytest.fixture
def picture(tmp_path):
    Image.new("RGB", (30, 20), (200, 30, 30)).save(tmp_path / "red.png")
    return str(tmp_path / "red.png")


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """A folder that the hook turns into a policy, as the command line's root would."""
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "ladder.json").write_text(json.dumps(ladder()))

    def load(path):
        scales = json.loads((Path(path) / "ladder.json").read_text())
        return QuestionLengthPolicy(ScaleLadder(tuple(scales)))

    monkeypatch.setattr(budget.cli, "policy_loader", load)
    return str(folder)


def ladder():
    from budget.models import load_model

    return list(load_model(MODEL).ladder)


def ask(*words):
    return CliRunner().invoke(budget.cli.app, ["ask", *words, "--model", str(MODEL)])


def test_a_fixed_scale_is_met_and_reported(picture):
    m = ladder()[1]
    result = ask(picture, "what is it", "--tokens", str(m), "--max-new-tokens", "3")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["num_visual_tokens"], said["reason"]) == (m, "fixed by the caller")
    assert said["total_ms"] > 0
    assert "why" in result.stdout


@pytest.mark.parametrize(("question", "rung"), [("what is it", 1), ("what do you see here", -1)])
def test_a_policy_decides_from_the_question(picture, policy, question, rung):
    result = ask(picture, question, "--policy", policy, "--max-new-tokens", "2")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert said["num_visual_tokens"] == said["scales"][rung]
    assert len(said["scores"]) == len(said["scales"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mean-tokens", "9"], "within a mean of 9 tokens"),
        (["--mean-flops", "3e9"], "within a mean of 3 GFLOPs"),
        (["--risk", "0.01:0.05"], "a loss of at most 0.01 with probability 0.95"),
    ],
)
def test_what_is_allowed_reaches_the_policy_and_the_reason(picture, policy, words, said):
    result = ask(picture, "what is it", "--policy", policy, "--max-new-tokens", "2", *words)
    assert result.exit_code == 0, result.stderr
    assert said in json.loads(result.stdout.splitlines()[-1])["reason"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--tokens", "many"], "--tokens must be auto or a number from 1, got 'many'"),
        (["--tokens", "0"], "got '0'"),
        (["--tokens", "5"], "5"),
        (["--tokens", "1", "--price", "0.1"], "--price goes with --tokens auto"),
        (["--mean-flops", "1e9", "--mean-ms", "30"], "a budget takes one of"),
        (["--risk", "0.01"], "epsilon:delta such as 0.01:0.05"),
        (["--tokens", "1", "--total-tokens", "9"], "a budget takes one of"),
        (["--policy", "absent", "--total-tokens", "9"], "no policy folder absent"),
        ([], "no policy folder"),
        (["--policy", "absent"], "no policy folder absent; give --policy FOLDER, or --tokens N"),
    ],
)
def test_bad_options_are_one_line(picture, words, line):
    result = ask(picture, "what is it", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("budget: ")
    assert result.stderr.count("\n") == 1
    assert line in result.stderr


def test_several_images_share_a_total(picture, policy, tmp_path):
    Image.new("RGB", (20, 20), "blue").save(tmp_path / "blue.png")
    m, more = ladder()[:2]
    files = [picture, str(tmp_path / "blue.png")]
    words = ["what is it", "--total-tokens", str(m + more), "--max-new-tokens", "2"]
    result = ask(*files, *words, "--policy", policy)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert [each["num_visual_tokens"] for each in said["images"]] == [more, m]
    assert said["num_visual_tokens"] == m + more
    assert "why, image 2" in result.stdout
    # This model has no policy beside it: then the total is split evenly.
    result = ask(*files, *words)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert [each["num_visual_tokens"] for each in said["images"]] == [more, m]
    assert f"{m + more} tokens over 2 images, split evenly" in said["reason"]


def test_frames_of_an_animation_are_images_of_one_question(picture, tmp_path):
    frames = [Image.new("RGB", (12, 12), (30 * i, 0, 0)) for i in range(6)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:])
    m = ladder()[0]
    words = ["--tokens", str(m), "--max-new-tokens", "1"]
    for options, count in ((["--frames", "4"], 4), (["--frames", "99"], 7), ([], 2)):
        result = ask(str(tmp_path / "clip.gif"), picture, "what is it", *words, *options)
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout.splitlines()[-1])["num_visual_tokens"] == count * m


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("hello")
    result = ask(str(tmp_path / "note.txt"), "what is it", "--tokens", "1")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "note.txt is no image" in result.stderr
    result = ask(str(tmp_path / "absent.png"), "what is it", "--tokens", "1")
    assert "no such file or directory" in result.stderr


def test_any_image_is_answered_and_a_bad_one_is_one_line(tmp_path):
    options = ["what is it", "--tokens", "1", "--max-new-tokens", "1"]
    grey = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    Image.fromarray(grey).save(tmp_path / "grey.tif", compression="tiff_lzw")
    Image.new("RGB", (20_000, 1), "red").save(tmp_path / "long.png")
    for name in ("grey.tif", "long.png"):
        result = ask(str(tmp_path / name), *options)
        assert result.exit_code == 0, result.stderr
    whole = (tmp_path / "grey.tif").read_bytes()
    (tmp_path / "bad.tif").write_bytes(whole[:10] + b"\xff" * 99 + whole[109:])
    (tmp_path / "cut.png").write_bytes((tmp_path / "long.png").read_bytes()[:60])
    (tmp_path / "empty.jpg").touch()
    for name, why in [
        ("bad.tif", "is corrupt or cut off: "),
        ("cut.png", "is corrupt or cut off: "),
        ("empty.jpg", "is empty"),
        (".", "is a folder; an image must be a regular file"),
    ]:
        result = ask(str(tmp_path / name), *options)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert result.stderr.startswith(f"budget: {tmp_path / name} {why}")


def test_convert_keeps_the_answer(picture, tmp_path):
    new = tmp_path / "converted"
    result = CliRunner().invoke(budget.cli.app, ["convert", str(MODEL), str(new)])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["written"] == str(new)
    words = ["ask", picture, "what is it", "--tokens", "1", "--max-new-tokens", "4", "--model"]
    said = [
        json.loads(CliRunner().invoke(budget.cli.app, [*words, m]).stdout.splitlines()[-1])
        for m in (str(MODEL), str(new))
    ]
    assert said[0]["text"] == said[1]["text"]
    assert said[0]["confidence"] == said[1]["confidence"]


@pytest.mark.parametrize("module", ["budget.cli", "oracle.cli"])
def test_help_does_not_wait_for_heavy_imports(module):
    code = (
        f"import sys, {module}; from typer.testing import CliRunner; "
        f"r = CliRunner().invoke({module}.app, ['--help']); assert r.exit_code == 0; "
        "print([m for m in ('torch', 'transformers', 'datasets', 'pyarrow') if m in sys.modules])"
    )
    start = time.perf_counter()
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    assert time.perf_counter() - start < 10  # a second on an idle machine
