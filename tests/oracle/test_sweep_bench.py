"""The bench of the sweep: all four ways run the same samples, and its last line is JSON."""

import json

import pytest
from typer.testing import CliRunner

from budget.config_files import read_sizes
from budget.models import load_model
from budget.random_runner import random_runner
from budget.shipped import shipped_folder
from experiments.bench import app
from experiments.scenes.data import load_scenes
from oracle.batch import run_batch
from oracle.data import register_source
from oracle.sweep_bench import WAYS, time_sweep


@pytest.fixture(scope="module")
def shipped():
    return load_model("m3")


@pytest.fixture(scope="module")
def scenes():
    return load_scenes("calibration", 4)


def test_every_way_reads_its_pictures_as_often_as_it_needs_them(shipped, scenes):
    read = []

    def image(row):
        read.append(row)
        return scenes[row]["image"]

    found = time_sweep(
        shipped, image, scenes["question"][:], batch_size=2, rounds=3, max_new_tokens=4
    )
    k = len(shipped.ladder)
    warm, floor = 1 + k + 1, 2
    assert len(read) == warm + floor + 3 * 2 * (k + k + 1 + 1)
    assert set(read) == {0, 1, 2, 3}
    assert {way: len(taken) for way, taken in found.seconds.items()} == dict.fromkeys(WAYS, 3)
    assert found.same_answers == 1
    assert 1 < found.floor_over_full < 2
    ratio, least, most = found.ratio("authors_way", "sweep")
    assert 1 < least <= ratio <= most


def test_shared_work_gives_the_results_of_scale_by_scale(shipped, scenes):
    class Plain:
        """The same model as one that shares nothing."""

        ladder, encode, answer, answer_cost = (
            shipped.ladder,
            shipped.encode,
            shipped.answer,
            shipped.answer_cost,
        )

    images, questions = scenes["image"][:], scenes["question"][:]
    shared = run_batch(shipped, images, questions, max_new_tokens=4)
    for one, other in zip(
        shared, run_batch(Plain(), images, questions, max_new_tokens=4), strict=True
    ):
        for a, b in zip(one, other, strict=True):
            assert (a.answer, a.flops) == (b.answer, b.flops)
            assert (a.num_visual_tokens, a.prompt_tokens) == (b.num_visual_tokens, b.prompt_tokens)
            assert a[1:4] == pytest.approx(b[1:4], abs=1e-5)
            assert a.seconds > 0
    # A rung alone would see the picture too, so all of them apart take longer than all at once.
    assert all(
        sum(rung.flops for rung in rungs) > shipped.every_scale_flops(answers)
        for rungs, answers in zip(
            shared, shipped.answer_every_scale(images, questions, max_new_tokens=4), strict=True
        )
    )


def bench(*words):
    return CliRunner().invoke(app, ["oracle", *words])


@pytest.mark.parametrize("random", [False, True])
def test_the_command_ends_in_json(random):
    register_source("scenes", load_scenes)
    model = (
        ["--model", str(shipped_folder("mqt") / "config.json"), "--random-weights"]
        if random
        else ["--model", "mqt"]
    )
    result = bench(*model, "--rounds", "1", "--batch-size", "2", "--max-new-tokens", "2")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert {*WAYS, "floor_over_full", "same_answers", "sweep_over_full"} <= said.keys()
    assert said["same_answers"] == 1
    assert said["authors_way"] > said["full_pass"] > 0


def test_a_config_alone_and_a_small_vocabulary_are_refused(tmp_path):
    config = shipped_folder("m3") / "config.json"
    result = bench("--model", str(config))
    assert result.exit_code != 0
    assert "holds no weights; add --random-weights" in str(result.exception) + result.stderr
    told = json.loads(config.read_text())
    told["text_config"]["vocab_size"] = 20
    (tmp_path / "config.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="has a vocabulary of 20; random weights are asked"):
        random_runner(read_sizes(tmp_path / "config.json"))


def test_a_bench_of_nothing_is_refused(shipped):
    with pytest.raises(ValueError, match="got 0 rounds of 2 and 1 questions"):
        time_sweep(shipped, None, ["?"], batch_size=2, rounds=0, max_new_tokens=1)
