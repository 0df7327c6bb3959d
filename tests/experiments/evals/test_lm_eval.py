"""The model ``budget`` in lm-evaluation-harness's own command line, against the model alone."""

import json

import pytest

from budget.budgets import Budget

from .conftest import SCENES, rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ARGS = "model=m3,policy=m3,mean_tokens=36,choices=choices.jsonl"


@pytest.fixture(scope="module", params=[(), ("--apply_chat_template",)], ids=["text", "chat"])
def ran(request, run_tool):
    """Run tasks of all kinds, and return what was printed and the folder."""
    words = ("--model_args", ARGS, "--tasks", "scenes,scenes_choice,scenes_text", *request.param)
    logged = ("--batch_size", "4", "--log_samples", "--output_path", "out")
    printed, folder = run_tool("experiments.evals.lm_eval", "lm_tasks", *words, *logged)
    assert list(folder.glob("out/m3/results_*.json")), printed
    return printed, folder


def result(folder, task, metric):
    (path,) = folder.glob("out/m3/results_*.json")
    return json.loads(path.read_text())["results"][task][f"{metric},none"]


def chosen(folder, task):
    found = [row for row in rows(folder / "choices.jsonl") if row["task"] == task]
    return sorted(found, key=lambda row: row["doc_id"])


def test_a_task_is_answered_as_the_model_answers_on_its_own(ran, vlm, scenes):
    answers = vlm.answer(
        scenes["image"], scenes["question"], budget=Budget(mean_tokens=36), max_new_tokens=8
    )
    own = chosen(ran[1], "scenes")
    assert [row["text"] for row in own] == [answer.text for answer in answers]
    spent = [answer.num_visual_tokens for answer in answers]
    assert [row["num_visual_tokens"] for row in own] == spent
    assert len(set(spent)) > 1
    right = sum(a.text == known[0] for a, known in zip(answers, scenes["answers"], strict=True))
    assert result(ran[1], "scenes", "exact_match") == pytest.approx(right / SCENES)


def test_multiple_choice_takes_the_likelier_answer_at_the_chosen_scale(ran, vlm, scenes):
    choices = [[known[0], "seven red"] for known in scenes["answers"]]
    every = vlm.model.every_scale(scenes["image"], scenes["question"]).likelihoods(choices)
    ladder = tuple(vlm.model.ladder)
    wins = 0
    for row, rungs in zip(chosen(ran[1], "scenes_choice"), every, strict=True):
        first, second = rungs[ladder.index(row["num_visual_tokens"])].log_likelihoods
        wins += first > second
    assert result(ran[1], "scenes_choice", "acc") == pytest.approx(wins / SCENES)
    assert wins > SCENES / 2


def test_texts_with_examples_are_drawn(ran):
    own = chosen(ran[1], "scenes_text")
    assert len(own) == SCENES
    assert {row["num_visual_tokens"] for row in own} == {0}
    shortest = min(row["prompt_tokens"] for row in own)
    assert shortest > max(row["prompt_tokens"] for row in chosen(ran[1], "scenes")) - 144


def test_what_was_spent_is_said(ran):
    assert f"budget: {3 * SCENES} answers about {2 * SCENES} images; " in ran[0]
