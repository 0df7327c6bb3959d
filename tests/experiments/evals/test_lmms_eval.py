"""The model ``budget`` in lmms-eval's own command line, against the model on its own."""

import json

import pytest

from budget.budgets import Budget
from budget.sampling import Generation

from .conftest import SCENES, rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ARGS = "model=m3,policy=m3,mean_tokens=36,batch_size=4,frames=2,choices=choices.jsonl"
LOGGED = ("--log_samples", "--output_path", "out")
FRAMES = 5
# Films of each scene, turned a little further in every picture, in a codec that loses nothing.
FILM = f"""
import av
from datasets import load_dataset
scenes = load_dataset("parquet", data_files="scenes.parquet", split="train")
for i, image in enumerate(scenes["image"]):
    with av.open(f"{{i}}.avi", "w") as film:
        stream = film.add_stream("png", rate=4)
        stream.width = stream.height = 96
        stream.pix_fmt = "rgb24"
        for turn in range({FRAMES}):
            frame = av.VideoFrame.from_image(image.convert("RGB").rotate(5 * turn))
            for packet in stream.encode(frame):
                film.mux(packet)
        for packet in stream.encode():
            film.mux(packet)
"""


@pytest.fixture(scope="module")
def ran(run_tool, scenes):
    """Run tasks of all kinds in messages, and return what was printed and the folder."""
    tasks = "scenes,scenes_two,scenes_text,scenes_video,scenes_rounds"
    films = scenes.add_column("video", [f"{i}.avi" for i in range(SCENES)])
    words = ("--model_args", ARGS, "--tasks", tasks, *LOGGED)
    printed, folder = run_tool("lmms_eval", "lmms_tasks", *words, prepare=FILM, data=films)
    assert list(folder.glob("out/m3/*_results.json")), printed
    return printed, folder


def logged(folder, task):
    (path,) = folder.glob(f"out/m3/*_samples_{task}.jsonl")
    return sorted(rows(path), key=lambda row: row["doc_id"])


def chosen(folder, task, number=0):
    found = [row for row in rows(folder / "choices.jsonl") if row["task"] == task]
    own = [row for row in found if row["round"] == number]
    return sorted(own, key=lambda row: row["doc_id"])


def directly(vlm, images, questions, max_new_tokens=8):
    budget = Budget(mean_tokens=36)
    generation = Generation(max_new_tokens=max_new_tokens)
    return vlm.answer(images, questions, budget=budget, generation=generation)


def check(folder, task, answers):
    """Hold what a task logged, and what was chosen, against answers that were made without it."""
    for row, choice, answer in zip(
        logged(folder, task), chosen(folder, task), answers, strict=True
    ):
        assert row["filtered_resps"] == choice["text"] == answer.text
        counts = {"input_tokens": answer.prompt_tokens, "output_tokens": len(answer.token_ids)}
        assert row["token_counts"] == [counts]
        assert choice["num_visual_tokens"] == answer.num_visual_tokens
        scales = [each["num_visual_tokens"] for each in choice["choices"]]
        assert scales == [each.num_visual_tokens for each in answer.choices]
        assert choice["flops"] == answer.flops


def result(folder, task, metric):
    (path,) = folder.glob("out/m3/*_results.json")
    return json.loads(path.read_text())["results"][task][f"{metric},none"]


def test_a_task_is_answered_as_the_model_answers_on_its_own(ran, vlm, scenes):
    answers = directly(vlm, scenes["image"], scenes["question"])
    check(ran[1], "scenes", answers)
    right = [a.text == known[0] for a, known in zip(answers, scenes["answers"], strict=True)]
    assert result(ran[1], "scenes", "right") == pytest.approx(sum(right) / SCENES)
    assert sum(right) > SCENES / 2
    assert len({answer.num_visual_tokens for answer in answers}) > 1


def test_two_images_have_a_scale_each(ran, vlm, scenes):
    images = [[image.convert("RGB"), image.rotate(180)] for image in scenes["image"]]
    check(ran[1], "scenes_two", directly(vlm, images, scenes["question"]))


def test_a_text_alone_spends_no_visual_token(ran, vlm, scenes):
    answers = directly(vlm, [None] * SCENES, scenes["question"], 4)
    check(ran[1], "scenes_text", answers)
    assert {row["num_visual_tokens"] for row in chosen(ran[1], "scenes_text")} == {0}


def test_a_film_is_as_many_pictures_as_asked_for(ran, vlm, scenes):
    frames = [[image.rotate(5 * turn) for turn in (0, FRAMES - 1)] for image in scenes["image"]]
    check(ran[1], "scenes_video", directly(vlm, frames, scenes["question"]))


def test_rounds_go_on_from_what_was_answered(ran, vlm, scenes):
    images, questions = scenes["image"], list(scenes["question"])
    tokens = [0] * SCENES
    for number in range(3):
        answers = directly(vlm, images, questions)
        own = chosen(ran[1], "scenes_rounds", number)
        assert [row["text"] for row in own] == [answer.text for answer in answers]
        questions = [f"Is there a {answer.text}?" for answer in answers]
        tokens = [
            sum(pair) for pair in zip(tokens, (a.prompt_tokens for a in answers), strict=True)
        ]
    found = logged(ran[1], "scenes_rounds")
    assert [row["token_counts"][0]["input_tokens"] for row in found] == tokens
    assert result(ran[1], "scenes_rounds", "right") == result(ran[1], "scenes", "right")


def test_what_was_spent_is_said_once_and_stands_in_the_results(ran):
    printed, folder = ran
    spent = rows(folder / "choices.jsonl")
    images = sum(len(row["choices"]) for row in spent)
    assert printed.count(f"budget: {len(spent)} answers about {images} images; ") == 1
    (path,) = folder.glob("out/m3/*_results.json")
    found = json.loads(path.read_text())["throughput"]
    tokens = sum(row["num_visual_tokens"] for row in spent)
    assert found["avg_visual_tokens"] == pytest.approx(tokens / images)
    ratio = sum(row["flops"] for row in spent) / sum(row["full_flops"] for row in spent)
    assert found["avg_flops_of_full"] == pytest.approx(ratio)
    assert 0.3 < ratio < 0.9
    shares = [value for name, value in found.items() if name.startswith("avg_share_at_")]
    assert sum(shares) == pytest.approx(1)


def test_what_has_no_effect_is_said_once(ran):
    assert ran[0].count("generation argument length_penalty=2 has no effect here") == 1


@pytest.fixture(scope="module")
def ran_simple(run_tool):
    """Run the same task, rounds and multiple choice as "simple" models are asked."""
    args = "model=m3,num_visual_tokens=9,choices=choices.jsonl"
    words = ("--model_args", args, "--force_simple", "--batch_size", "5", *LOGGED)
    tasks = "scenes,scenes_two,scenes_rounds,scenes_choice"
    printed, folder = run_tool("lmms_eval", "lmms_tasks", "--tasks", tasks, *words)
    assert list(folder.glob("out/m3/*_results.json")), printed
    return printed, folder


def test_simple_requests_are_answered_alike_at_a_fixed_scale(ran_simple, vlm, scenes):
    budget = Budget(num_visual_tokens=9)
    for task, images in (
        ("scenes", scenes["image"]),
        ("scenes_two", [[image, image.rotate(180)] for image in scenes["image"]]),
    ):
        answers = vlm.answer(images, scenes["question"], budget=budget, max_new_tokens=8)
        check(ran_simple[1], task, answers)
    assert {row["num_visual_tokens"] for row in chosen(ran_simple[1], "scenes")} == {9}
    first = result(ran_simple[1], "scenes", "right")
    assert result(ran_simple[1], "scenes_rounds", "right") == first


def test_multiple_choice_takes_the_likelier_answer(ran_simple, vlm, scenes):
    choices = [[known[0], "seven red"] for known in scenes["answers"]]
    model = vlm.model
    every = model.every_scale(scenes["image"], scenes["question"]).likelihoods(choices)
    rung = tuple(model.ladder).index(9)
    sums = [rungs[rung] for rungs in every]
    means = [
        [total / n for total, n in zip(one.log_likelihoods, one.lengths, strict=True)]
        for one in sums
    ]
    acc = sum(first > second for first, second in means) / SCENES
    assert result(ran_simple[1], "scenes_choice", "acc") == pytest.approx(acc)
    assert acc > 0.9  # which would be near 0 if the likelihood's sign were another
    for row, own in zip(logged(ran_simple[1], "scenes_choice"), means, strict=True):
        losses = [float(each[0]) for each in row["filtered_resps"]]
        assert losses == pytest.approx([-mean for mean in own], rel=1e-3, abs=1e-4)


def test_what_cannot_be_is_one_clear_line(run_tool):
    words = ("--model_args", "model=m3,polcy=m3", "--tasks", "scenes")
    printed, _ = run_tool("lmms_eval", "lmms_tasks", *words)
    (said,) = (each for each in printed.splitlines() if "Error during evaluation" in each)
    assert "unknown model_args polcy=m3; legal are model, policy, num_visual_tokens" in said
