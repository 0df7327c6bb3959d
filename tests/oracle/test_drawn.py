"""Drawn answers: their numbers, their means, and that they are the same in pieces."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from budget.errors import DataError
from budget.models import load_model
from experiments.scenes.data import load_scenes
from oracle.cli import app
from oracle.curves import read_curves
from oracle.draw_scores import read_draw_scores, standard_errors
from oracle.drawn import Drawn, most_frequent
from oracle.run_folder.filling import RunInterrupted
from oracle.run_folder.runner import sweep_to
from oracle.sweeping import sweep

SIZES = {"max_new_tokens": 4, "batch_size": 4}


@pytest.fixture(scope="module")
def model():
    return load_model("m3")


@pytest.fixture(scope="module")
def scenes():
    return load_scenes("calibration", 12)


@pytest.fixture(scope="module")
def whole(model, scenes):
    return sweep(model, scenes, how=Drawn(6, 1.5), **SIZES)


def test_numbers_depend_on_seed_and_sample_alone():
    drawn = Drawn(5, seed=3)
    numbers = drawn.numbers("a", steps=4, rungs=2)
    assert (numbers.shape, numbers.dtype) == ((4, 2, 5), np.float32)
    assert ((numbers >= 0) & (numbers < 1)).all()
    np.testing.assert_array_equal(drawn.numbers("a", steps=2, rungs=2), numbers[:2])
    for other in (drawn.numbers("b", steps=4, rungs=2), Drawn(5).numbers("a", steps=4, rungs=2)):
        assert not np.isin(other, numbers).all()


def test_numbers_of_many_samples_are_uniform_and_unlike():
    numbers = np.stack([Drawn(8).numbers(str(i), steps=1, rungs=5) for i in range(500)])
    assert np.histogram(numbers, bins=10, range=(0, 1))[0] == pytest.approx(2000, abs=250)
    flat = numbers.reshape(500, -1)
    assert abs(np.corrcoef(flat[:-1].ravel(), flat[1:].ravel())[0, 1]) < 0.03


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_mean_score_is_the_probability_of_the_right_answer(model, scenes, temperature):
    rows = [i for i, answers in enumerate(scenes["answers"][:]) if answers[0] in ("yes", "no")][:2]
    data, number = scenes.select(rows), 800
    curves = sweep(model, data, how=Drawn(number, temperature), max_new_tokens=1)
    for i, row in enumerate(data):
        right = model.prompt.answer_ids(row["question"], row["answers"][0])
        assert len(right) == 1
        for rung, m in enumerate(model.ladder):
            logits = model.prompt_logits(row["image"], row["question"], num_visual_tokens=m)[-1]
            expected = (logits / temperature).softmax(-1)[right[0]].item()
            error = (expected * (1 - expected) / number) ** 0.5
            assert curves.scores[i, rung] == pytest.approx(expected, abs=4.5 * error + 1e-3)


def test_cold_draws_are_the_greedy_answer_and_its_cost(model, scenes):
    greedy = sweep(model, scenes, **SIZES)
    cold = sweep(model, scenes, how=Drawn(3, 1e-4), **SIZES)
    for name in ("scores", "answers", "flops", "num_visual_tokens", "prompt_tokens"):
        np.testing.assert_array_equal(getattr(cold, name), getattr(greedy, name))
    for name in ("confidence", "margin", "entropy"):
        np.testing.assert_allclose(getattr(cold, name), getattr(greedy, name), atol=1e-5)


def test_the_batch_size_changes_no_draw(model, scenes, whole):
    other = sweep(model, scenes, how=Drawn(6, 1.5), max_new_tokens=4, batch_size=7)
    for name in ("scores", "answers", "flops"):
        np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))
    np.testing.assert_allclose(other.confidence, whole.confidence, atol=1e-5)
    assert (whole.scores % 1 != 0).any()  # the draws differ among themselves


def test_within_a_batch_seconds_follow_flops(whole):
    pace = whole.seconds[:4] / whole.flops[:4]
    np.testing.assert_allclose(pace, pace[0, 0])


@pytest.mark.parametrize("name", ["run", "run.parquet"])
def test_a_run_in_pieces_draws_the_same_and_keeps_each_score(
    model, scenes, whole, assert_same, tmp_path, name
):
    out, stops = tmp_path / name, iter([False, False, True, True])
    settings = {"how": Drawn(6, 1.5), "chunk_size": 4, **SIZES}
    with pytest.raises(RunInterrupted):
        sweep_to(out, model, scenes, stop=lambda: next(stops), **settings)
    sweep_to(out, model, scenes, **settings)
    curves = read_curves(out)
    assert_same(curves, whole)
    draws = read_draw_scores(out, curves)
    assert draws.shape == (12, len(model.ladder), 6)
    np.testing.assert_allclose(draws.mean(axis=-1), curves.scores)
    some = curves.select(curves.sample_ids[[7, 2]])
    np.testing.assert_array_equal(read_draw_scores(out, some), draws[[7, 2]])


def test_other_draws_are_another_run(model, scenes, tmp_path):
    data = scenes.select(range(2))
    sweep_to(tmp_path / "run", model, data, how=Drawn(2, seed=1), **SIZES)
    for how, match in (
        (Drawn(2), "seed 1 instead of 0"),
        (Drawn(3, seed=1), "rollouts 2 instead of 3"),
        (Drawn(2, 0.5, seed=1), r"temperature 1\.0 instead of 0\.5"),
    ):
        with pytest.raises(DataError, match=match):
            sweep_to(tmp_path / "run", model, data, how=how, **SIZES)
    with pytest.raises(DataError, match="rollouts 2 instead of None"):
        sweep_to(tmp_path / "run", model, data, **SIZES)


def test_a_greedy_run_has_no_scores_of_draws(toys, tmp_path):
    sweep_to(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset([0, 5]))
    with pytest.raises(DataError, match="holds one answer a sample and rung; --rollouts draws"):
        read_draw_scores(tmp_path / "run", read_curves(tmp_path / "run"))


def test_the_standard_error_of_independent_draws_is_how_far_means_scatter():
    rng = np.random.default_rng(0)
    draws = (rng.random((4000, 1, 16)) < 0.3).astype(float)
    assert standard_errors(draws).mean() == pytest.approx(draws.mean(axis=-1).std(), rel=0.03)
    assert np.isnan(standard_errors(draws[..., :1])).all()


def test_the_most_frequent_answer_is_found_after_normalisation():
    assert most_frequent(["2", "cat", "Two.", "the cat", "CAT"]) == "cat"
    assert most_frequent(["b", "a"]) == "b"


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ((0,), "drawn must be at least 1, got 0"),
        ((1, 0.0), r"above 0 and finite, got 0\.0"),
        ((1, float("nan")), "above 0 and finite, got nan"),
        ((1, 1.0, -1), "seed must be at least 0, got -1"),
    ],
)
def test_values_out_of_range_are_refused(words, match):
    with pytest.raises(ValueError, match=match):
        Drawn(*words)


def test_a_model_that_only_answers_greedily_is_refused(toys, tmp_path):
    with pytest.raises(ValueError, match=r"--rollouts takes a model .* reader only answers gree"):
        sweep_to(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset([0]), how=Drawn(2))
    assert list(tmp_path.iterdir()) == []


def test_attention_that_keeps_nothing_apart_is_refused(model, scenes, monkeypatch):
    config = model.model.model.language_model.config
    monkeypatch.setattr(config, "_attn_implementation", "flash_attention_2")
    with pytest.raises(ValueError, match="m3 needs attention sdpa or eager"):
        sweep(model, scenes, how=Drawn(2))


def invoke(scenes, tmp_path, *words):
    scenes.select(range(3)).to_parquet(tmp_path / "data.parquet")
    fixed = ["run", "--data", str(tmp_path / "data.parquet"), "--out", str(tmp_path / "run")]
    return CliRunner().invoke(app, [*fixed, *words])


def test_the_command_draws_and_the_summary_says_how_noisy_scores_are(scenes, tmp_path):
    words = ["--rollouts", "4", "--temperature", "1.5", "--seed", "7"]
    result = invoke(scenes, tmp_path, *words)
    assert result.exit_code == 0, result.stderr
    shown = CliRunner().invoke(app, ["summary", str(tmp_path / "run")])
    assert shown.exit_code == 0, shown.stderr
    said = json.loads(shown.stdout.splitlines()[-1])
    assert (said["rollouts"], said["temperature"], said["seed"]) == (4, 1.5, 7)
    assert len(said["draw_standard_error"]) == len(said["scales"])


@pytest.mark.parametrize("flag", ["--temperature", "--seed"])
def test_a_flag_of_draws_without_draws_is_refused(scenes, tmp_path, flag):
    result = invoke(scenes, tmp_path, flag, "1")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert f"{flag} belongs to --rollouts, which was not given" in result.stderr
