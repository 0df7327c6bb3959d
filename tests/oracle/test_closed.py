"""Closed answers: the likeliest choice by a count of one's own, and what is no choice."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from budget.errors import DataError
from budget.models import load_model
from experiments.scenes.data import load_scenes
from oracle.cli import app
from oracle.closed import Closed
from oracle.run_folder.reading import read_errors
from oracle.run_folder.runner import sweep_to
from oracle.samples import Sample
from oracle.sweeping import sweep

WORDS = ["red", "a light shade of green", "blue"]
LETTERED = list(zip("ABC", WORDS, strict=True))


@pytest.fixture(scope="module")
def model():
    return load_model("m3")


@pytest.fixture(scope="module")
def scenes():
    return load_scenes("calibration", 24)


@pytest.fixture(scope="module")
def colors(scenes):
    """Three questions with options in a column."""
    data = scenes.select(range(3)).remove_columns("answers")
    return data.add_column("answers", [["blue"]] * 3).add_column("options", [WORDS] * 3)


def likelihood(model, row, m, answer):
    """Log-probabilities of an answer's tokens, from one run over prompt and answer together."""
    ids = model.prompt.tokenizer(f" {answer}", add_special_tokens=False).input_ids
    (sample,) = model.samples([row["image"]], [row["question"]], m, None)
    (prompt,) = model._embed_rows([0], [sample], [row["image"]], None)
    whole = torch.cat([prompt, model.model.get_input_embeddings()(torch.tensor(ids))])[None]
    with torch.inference_mode():
        states = model.model.model.language_model(inputs_embeds=whole).last_hidden_state[0]
        rows = model.model.lm_head(states).log_softmax(-1)[-len(ids) - 1 : -1]
    return [own[token].item() for own, token in zip(rows, ids, strict=True)]


def test_yes_and_no_are_weighed_against_each_other_in_either_spelling(model, scenes):
    rows = [i for i, answers in enumerate(scenes["answers"][:]) if answers[0] in ("yes", "no")]
    data = scenes.select(rows[:4])
    curves = sweep(model, data, scorer="yes_no", how=Closed("yes-no"), batch_size=3)
    for i, row in enumerate(data):
        for rung, m in enumerate(model.ladder):
            yes, no = (
                sum(
                    np.exp(sum(likelihood(model, row, m, text)))
                    for text in (word, word.capitalize())
                )
                for word in ("yes", "no")
            )
            assert curves.answers[i, rung] == ("Yes" if yes > no else "No")
            shares = np.array([yes, no]) / (yes + no)
            assert np.exp(curves.confidence[i, rung]) == pytest.approx(shares.max(), rel=1e-3)
            assert curves.margin[i, rung] == pytest.approx(abs(shares[0] - shares[1]), abs=1e-3)
            entropy = -(shares * np.log(shares)).sum()
            assert curves.entropy[i, rung] == pytest.approx(entropy, abs=1e-3)
            right = row["answers"][0] == curves.answers[i, rung].lower()
            assert curves.scores[i, rung] == right


@pytest.mark.parametrize("normalise_length", [False, True])
def test_words_are_weighed_by_all_their_tokens(model, colors, normalise_length):
    curves = sweep(model, colors, how=Closed("words", normalise_length))
    won = set()
    for i, row in enumerate(colors):
        for rung, m in enumerate(model.ladder):
            each = [likelihood(model, row, m, word) for word in WORDS]
            sums = np.array([np.mean(e) if normalise_length else np.sum(e) for e in each])
            assert curves.answers[i, rung] == WORDS[sums.argmax()]
            confidence = sums.max() - np.log(np.exp(sums).sum())
            assert curves.confidence[i, rung] == pytest.approx(confidence, abs=1e-3)
            assert curves.scores[i, rung] == (sums.argmax() == 2)
            won.add(int(sums.argmax()))
    assert won


def test_the_likeliest_letter_is_the_answer(model, colors):
    asked = colors.map(
        lambda row: {"question": row["question"] + "".join(f"\n{c}. {w}" for c, w in LETTERED)},
    )
    asked = asked.remove_columns("answers").add_column("answers", [["C"]] * 3)
    curves = sweep(model, asked, scorer="choice", how=Closed("letters"))
    for i, row in enumerate(asked):
        for rung, m in enumerate(model.ladder):
            best = np.argmax([sum(likelihood(model, row, m, letter)) for letter in "ABC"])
            assert curves.answers[i, rung] == "ABC"[best]
            assert curves.scores[i, rung] == (best == 2)


def test_flops_are_the_prompt_s_and_those_of_every_choice_but_its_last_token(model, colors):
    curves = sweep(model, colors, how=Closed("words"))
    lengths = [len(model.prompt.answer_ids("?", word)) for word in WORDS]
    assert max(lengths) > 1
    text, shape = model.shape.text, model.shape
    for i in range(3):
        for rung, m in enumerate(model.ladder):
            prompt = int(curves.prompt_tokens[i, rung])
            alone = model.cost(m, prompt - m, 1).flops
            head = 2 * text.width * shape.vocabulary
            more = sum(text.flops(1, prompt + s) + head for n in lengths for s in range(1, n))
            assert curves.flops[i, rung] == pytest.approx(alone + more)
    pace = curves.seconds / curves.flops
    np.testing.assert_allclose(pace, pace[0, 0])


def sample(question="Which?", **told):
    return Sample(0, "a", "all", question, {"question": [question], **told})


def answers(form, given):
    return [choice.answer for choice in Closed(form).choices(given)]


def test_choices_come_from_the_column_or_from_the_question():
    listed = "Which?\nA. a cat\nB. a dog"
    assert answers("words", sample(options=[["x", "y"]])) == ["x", "y"]
    assert answers("words", sample(listed)) == ["a cat", "a dog"]
    assert answers("letters", sample(listed)) == ["A", "B"]
    assert answers("letters", sample("A dog or a Cat?", options=[["cat", "dog"]])) == ["A", "B"]
    assert answers("yes-no", sample()) == ["Yes", "No"]


@pytest.mark.parametrize(
    ("form", "given", "match"),
    [
        ("words", sample(), r"at least two options with some text, got \(\)"),
        ("letters", sample(options=[None]), "at least two options"),
        ("words", sample(options=[["x"]]), "at least two options"),
        ("words", sample(options=[["x", " "]]), "with some text, got"),
        ("letters", sample(options=[["x-ray", "y"]]), "does not list the options .* 'x-ray'; --li"),
    ],
)
def test_a_sample_without_choices_is_refused(form, given, match):
    with pytest.raises(ValueError, match=match):
        Closed(form).check_sample(given)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("numbers",), "unknown choices 'numbers'; legal are letters, words, yes-no"),
        (("letters", True), "of choices 'words' alone, got 'letters'"),
    ],
)
def test_forms_that_are_none_are_refused(words, match):
    with pytest.raises(ValueError, match=match):
        Closed(*words)


def test_a_sample_without_choices_is_an_error_of_its_own_and_the_rest_a_run(
    model, colors, tmp_path
):
    data = colors.remove_columns("options").add_column("options", [WORDS, [], WORDS])
    run = sweep_to(tmp_path / "run", model, data, how=Closed("words"))
    (failure,) = run.failures
    assert (failure.row, failure.sample_id) == (1, data["id"][1])
    assert failure.error.startswith("ValueError: choices need at least two options")
    assert read_errors(tmp_path / "run") == [failure]
    with pytest.raises(DataError, match="normalise_length False instead of True"):
        sweep_to(tmp_path / "run", model, data, how=Closed("words", True))
    with pytest.raises(DataError, match="closed 'words' instead of None"):
        sweep_to(tmp_path / "run", model, data)
    sweep_to(tmp_path / "run", model, data, how=Closed("words"), max_new_tokens=99)  # none is made


def test_a_model_that_only_answers_greedily_is_refused(toys):
    with pytest.raises(ValueError, match=r"--closed takes a model .* reader only answers greedily"):
        sweep(toys.ReaderVLM(), toys.reader_dataset([0]), how=Closed("yes-no"))


def invoke(data, tmp_path, *words):
    data.to_parquet(tmp_path / "data.parquet")
    fixed = ["run", "--data", str(tmp_path / "data.parquet"), "--out", str(tmp_path / "run")]
    return CliRunner().invoke(app, [*fixed, *words])


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (["--scorer", "choice", "--list-options"], "letters"),
        (["--scorer", "choice", "--choices", "words"], "words"),
        (["--normalise-length"], "words"),
    ],
)
def test_the_scorer_says_what_the_choices_are_unless_a_flag_does(colors, tmp_path, words, form):
    result = invoke(colors, tmp_path, "--closed", *words)
    assert result.exit_code == 0, result.stderr
    shown = CliRunner().invoke(app, ["summary", str(tmp_path / "run")])
    said = json.loads(shown.stdout.splitlines()[-1])
    assert (said["closed"], said["normalise_length"]) == (form, "--normalise-length" in words)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--closed", "--rollouts", "2"], "--rollouts 2 draws answers and --closed draws none"),
        (["--choices", "words"], "--choices belongs to --closed, which was not given"),
        (
            ["--normalise-length", "--seed", "1"],
            "--seed belongs to --rollouts, which was not given",
        ),
        (
            ["--closed", "--choices", "numbers"],
            "unknown choices 'numbers'; legal are letters, word",
        ),
    ],
)
def test_flags_that_do_not_go_together_are_one_line(colors, tmp_path, words, line):
    result = invoke(colors, tmp_path, *words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert line in result.stderr
