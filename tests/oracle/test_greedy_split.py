"""Greedy splits of real prompts, in pieces and in runs that are stopped."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from budget.errors import DataError
from budget.models import load_model
from experiments.scenes.data import load_scenes
from experiments.scenes.several import load_several
from oracle.cli import app
from oracle.curves import read_curves, read_metadata
from oracle.greedy_split import GreedySplit
from oracle.image_splits import read_image_splits
from oracle.run_folder.filling import RunInterrupted
from oracle.run_folder.parts import part_files
from oracle.run_folder.runner import sweep_to
from oracle.scoring import exact
from oracle.sweeping import sweep

SCALES = (1, 4, 9, 36, 144)
SIZES = {"max_new_tokens": 3, "batch_size": 3}


@pytest.fixture(scope="module")
def model():
    return load_model("m3")


@pytest.fixture(scope="module")
def prompts():
    return load_several("calibration", 6)


@pytest.fixture(scope="module")
def uniform(model, prompts):
    return sweep(model, prompts, **SIZES)


@pytest.fixture(scope="module")
def run(model, prompts, tmp_path_factory):
    out = tmp_path_factory.mktemp("greedy") / "run"
    sweep_to(out, model, prompts, how=GreedySplit(), chunk_size=2, **SIZES)
    return out


def test_a_rung_is_the_best_answer_within_its_total(model, prompts, uniform, run):
    curves = read_curves(run)
    splits = read_image_splits(run, curves)
    counts = [len(images) for images in prompts["image"][:]]
    totals = np.array(counts)[:, None] * np.array(SCALES)
    assert (uniform.num_visual_tokens == totals).all()
    assert (curves.num_visual_tokens <= totals).all()
    assert (curves.scores >= uniform.scores).all()
    assert (np.diff(curves.scores, axis=1) >= 0).all()
    for i, row in enumerate(prompts):
        n = counts[i]
        assert splits.more_answers[i] <= n * n * (len(SCALES) - 1)
        own = splits.scales[i]
        k = len(own)
        answers = model.answer(
            [row["image"]] * k, [row["question"]] * k, num_visual_tokens=own, max_new_tokens=3
        )
        for rung, again in enumerate(answers):
            assert sum(own[rung]) == curves.num_visual_tokens[i, rung]
            assert again.text == curves.answers[i, rung]
            assert exact(again.text, row["answers"]) == curves.scores[i, rung]
            assert again.confidence == pytest.approx(curves.confidence[i, rung], abs=1e-4)
            assert model.answer_cost(again).flops == pytest.approx(curves.flops[i, rung])
    assert (curves.scores > uniform.scores).any()
    assert splits.more_answers.sum() > 0
    assert np.isfinite(curves.seconds).all()
    assert (curves.seconds > 0).all()


def test_samples_of_one_image_are_the_same_either_way(model, assert_same, tmp_path):
    data = load_scenes("calibration", 3)
    for name, more in (("plain", {}), ("greedy", {"how": GreedySplit()})):
        sweep_to(tmp_path / name, model, data, **SIZES, **more)
    assert_same(tmp_path / "plain", tmp_path / "greedy")
    tables = [pq.read_table(part_files(tmp_path / name)[0]) for name in ("plain", "greedy")]
    assert tables[0].schema.names == tables[1].schema.names
    with pytest.raises(DataError, match="has no splits"):
        read_image_splits(tmp_path / "greedy", read_curves(tmp_path / "greedy"))


def test_among_prompts_a_sample_of_one_image_is_as_in_a_plain_sweep(model, prompts):
    from datasets import Dataset

    rows = [prompts[0], {**prompts[1], "image": prompts[1]["image"][:1]}, prompts[2]]
    data = Dataset.from_list(rows, features=prompts.features)
    found = [sweep(model, data, **SIZES, **more) for more in ({}, {"how": GreedySplit()})]
    for name in ("answers", "scores", "confidence", "flops", "num_visual_tokens"):
        np.testing.assert_array_equal(getattr(found[0], name)[1], getattr(found[1], name)[1])


def test_a_run_that_is_stopped_goes_on_and_gives_the_same(
    model, prompts, run, assert_same, tmp_path
):
    asked = iter(range(99))
    how = {"how": GreedySplit(), "chunk_size": 2, **SIZES}
    out = tmp_path / "c.parquet"
    with pytest.raises(RunInterrupted):
        sweep_to(out, model, prompts, stop=lambda: next(asked) >= 2, **how)
    sweep_to(out, model, prompts, **how)
    assert_same(run, out)
    whole, parts = (
        read_image_splits(out, read_curves(out)),
        read_image_splits(run, read_curves(run)),
    )
    assert whole.scales == parts.scales
    assert (whole.more_answers == parts.more_answers).all()


def test_the_manifest_says_what_it_is_and_other_runs_are_refused(model, prompts, run, tmp_path):
    about = read_metadata(run)
    assert about["image_split"] == "greedy"
    assert "upper reference, not what a policy could do" in about["image_split_note"]
    with pytest.raises(DataError, match="image_split 'greedy' instead of None"):
        sweep_to(run, model, prompts, chunk_size=2, **SIZES)
    plain = tmp_path / "plain"
    sweep_to(plain, model, prompts.select(range(2)), **SIZES)
    assert "image_split" not in read_metadata(plain)


def test_without_right_answers_the_full_scale_s_is_the_right_one(model, prompts):
    data = prompts.select(range(3)).remove_columns("answers")
    curves = sweep(model, data, scorer="agreement", how=GreedySplit(), **SIZES)
    plain = sweep(model, data, scorer="agreement", **SIZES)
    assert (curves.scores[:, -1] == 1).all()
    assert (curves.scores >= plain.scores).all()


class Single:
    """The model, but it looks at the first image of a prompt alone."""

    def __init__(self, model):
        self.model, self.name, self.ladder = model, "single", model.ladder
        self.realised = model.realised

    def answer(self, images, questions, *, num_visual_tokens, **more):
        firsts = [each[0] for each in images]
        scales = [each[0] for each in num_visual_tokens]
        return self.model.answer(firsts, questions, num_visual_tokens=scales, **more)


def test_a_model_of_one_image_a_prompt_is_refused(toys, model, prompts, tmp_path):
    for refused, why in ((toys.ReaderVLM(), "reader answers to"), (Single(model), ": 1 tokens")):
        with pytest.raises(ValueError, match=f"several images in one prompt.*{why}"):
            sweep_to(tmp_path / "run", refused, prompts, how=GreedySplit())
    GreedySplit().check_model(model)


def command(out, *words):
    return CliRunner().invoke(app, ["run", "--data", "prompts", "--out", str(out), *words])


def test_the_command_counts_what_the_search_took(prompts, run, tmp_path):
    from oracle.data import register_source

    register_source("prompts", lambda split, limit: prompts)
    words = ["--max-new-tokens", "3", "--batch-size", "3", "--image-split"]
    result = command(tmp_path / "run", *words, "greedy")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    more = int(read_image_splits(run, read_curves(run)).more_answers.sum())
    assert (said["image_split"], said["more_answers"]) == ("greedy", more)
    assert f"{more} answers more than the 30 of all images at one scale" in result.stdout
    summary = CliRunner().invoke(app, ["summary", str(tmp_path / "run")])
    assert json.loads(summary.stdout.splitlines()[-1])["image_split"] == "greedy"
    for more_words, line in (
        (["fair"], "--image-split must be uniform or greedy, got 'fair'"),
        (["greedy", "--rollouts", "3"], "so no --rollouts 3"),
        (["greedy", "--closed"], "so no --closed"),
    ):
        refused = command(tmp_path / "other", *words, *more_words)
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
        assert line in refused.stderr
