"""Answers of the shipped M3 through the harness, against those of the model on its own."""

import pytest
from PIL import Image

from budget.budgets import Budget
from budget.errors import DataError, ModelError, PolicyError
from budget.sampling import Generation
from budget.shipped import shipped_folder
from experiments.evals.harness_model import HarnessModel, Request, choices_file, placed
from experiments.evals.model_args import parse_model_args, split_args
from experiments.evals.places import Place, Places
from experiments.evals.prompts import Prompted

from .conftest import rows

GREEDY = {"max_new_tokens": 6}


@pytest.fixture
def lines():
    return []


@pytest.fixture
def harness(lines):
    def make(text):
        args = parse_model_args(split_args(text))
        return HarnessModel(args, say=lines.append, warn=lines.append)

    return make


def asked(scenes, arguments=GREEDY):
    return [
        Request(Place("scenes", i), lambda row=row: prompted(row), arguments)
        for i, row in enumerate(scenes)
    ]


def prompted(row):
    return Prompted([row["image"]], row["question"])


def test_answers_are_those_of_the_model_with_its_policy(harness, vlm, scenes, tmp_path):
    model = harness(f"model=m3,policy=m3,price=0.02,batch_size=2,choices={tmp_path / 'c'}")
    found = model.answer(asked(scenes))
    alone = vlm.answer(
        scenes["image"], scenes["question"], budget=Budget(price=0.02), max_new_tokens=6
    )
    assert [answer.text for answer in found] == [answer.text for answer in alone]
    spent = [answer.num_visual_tokens for answer in found]
    assert spent == [answer.num_visual_tokens for answer in alone]
    assert len(set(spent)) > 1
    written = rows(tmp_path / "c")
    assert [row["doc_id"] for row in written] == list(range(len(scenes)))
    assert [row["num_visual_tokens"] for row in written] == spent
    assert written[0]["choices"][0]["scores"] == list(found[0].choices[0].scores)


def test_a_folder_is_a_policy_too_and_none_is_the_full_scale(harness, scenes):
    folder = shipped_folder("m3") / "policy"
    by_name, by_folder, without = (
        harness(f"model=m3{policy}").answer(asked(scenes)[:4])
        for policy in (",policy=m3", f",policy={folder}", "")
    )
    assert [a.choices for a in by_name] == [a.choices for a in by_folder]
    assert {answer.num_visual_tokens for answer in without} == {144}


def test_pictures_are_loaded_when_it_is_their_turn(harness, scenes):
    model = harness("model=m3,num_visual_tokens=1,batch_size=1")
    held, most = [], []

    def load(row):
        held.append(row["id"])
        most.append(len(held) - model.report.answers)
        return prompted(row)

    requests = [
        Request(Place("scenes", i), lambda row=row: load(row), GREEDY)
        for i, row in enumerate(scenes)
    ]
    model.answer(requests)
    assert held == scenes["id"]
    assert max(most) <= 4


def test_samples_of_one_call_may_have_other_arguments_and_images(harness, vlm, scenes):
    model = harness("model=m3,num_visual_tokens=9,batch_size=8")
    first, second = scenes[0], scenes[1]
    pair = [first["image"], second["image"]]
    requests = [
        Request(Place("a", 0), lambda: prompted(first), {"max_new_tokens": 1}),
        Request(Place("a", 1), lambda: Prompted(pair, "Which shape?"), GREEDY),
        Request(Place("a", 2), lambda: Prompted([], "Which shape?"), GREEDY),
        Request(Place("a", 3), lambda: prompted(first), {"temperature": 5.0}),
        Request(Place("a", 3, 1), lambda: prompted(first), {"temperature": 5.0}),
    ]
    found = model.answer(requests)
    assert [answer.num_visual_tokens for answer in found] == [9, 18, 0, 9, 9]
    assert len(found[0].token_ids) == 1
    assert found[3].token_ids != found[4].token_ids  # another repeat draws something else
    again = harness("model=m3,num_visual_tokens=9").answer(requests)
    assert [answer.token_ids for answer in again] == [answer.token_ids for answer in found]
    (alone,) = vlm.model.answer(
        [pair], ["Which shape?"], num_visual_tokens=9, generation=Generation(6)
    )
    assert found[1].text == alone.text


@pytest.mark.parametrize("policy", ["", ",policy=m3"])
def test_a_total_is_split_over_the_images_of_a_prompt(harness, vlm, scenes, policy):
    model = harness(f"model=m3,total_visual_tokens=50{policy}")
    shown = Prompted([scenes[i]["image"] for i in range(3)], "Which shape?")
    (answer,) = model.answer([Request(Place("a", 0), lambda: shown, GREEDY)])
    assert 3 <= answer.num_visual_tokens <= 50
    assert len(answer.choices) == 3


def broken():
    raise DataError("the picture is torn")


def test_a_sample_that_cannot_be_answered_stops_the_run_and_is_named(harness, scenes):
    model = harness("model=m3,num_visual_tokens=1,batch_size=4")
    long = Prompted([scenes[0]["image"]], "what " * 2000)
    requests = asked(scenes)[:3]
    requests.append(Request(Place("pope", 7), lambda: long, GREEDY))
    with pytest.raises(
        DataError, match=r"^task pope, document 7: the prompt of \d+ tokens.*=empty"
    ):
        model.answer(requests)
    requests[-1] = Request(Place("pope", 8), broken, GREEDY)
    with pytest.raises(DataError, match="task pope, document 8: the picture is torn; model_args"):
        model.answer(requests)


def test_or_it_counts_as_an_empty_answer(harness, scenes, lines, tmp_path):
    model = harness(f"model=m3,num_visual_tokens=1,errors=empty,choices={tmp_path / 'c'}")
    requests = asked(scenes)[:2]
    requests.insert(1, Request(Place("pope", 7), broken, GREEDY))
    requests.insert(2, Request(Place("pope", 8), lambda: Prompted([], "x " * 2000), GREEDY))
    found = model.answer(requests)
    assert [answer is None for answer in found] == [False, True, True, False]
    assert [line for line in lines if "torn" in line] == [
        "task pope, document 7: the picture is torn"
    ]
    failed = {row["doc_id"]: row["error"] for row in rows(tmp_path / "c") if "error" in row}
    assert failed.keys() == {7, 8}
    model.say_report()
    assert lines[-1].endswith("2 samples could not be answered and count as empty")


def test_what_fills_up_a_share_is_answered_and_not_counted(harness, scenes):
    model = harness("model=m3,num_visual_tokens=1")
    (first, *_), place = asked(scenes), Place("scenes", 0)
    assert len(model.answer([first, Request(place, first.load, GREEDY, counted=False)])) == 2
    assert model.report.answers == 1


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("model=nowhere", ModelError, "no such model: 'nowhere'"),
        (
            "model=m3,policy=nowhere",
            PolicyError,
            "no policy folder nowhere; policy= takes a folder",
        ),
        ("model=m3,policy=mqt", ValueError, "the policy was made for scales .* the model 'm3' has"),
        ("model=m3,num_visual_tokens=100", ValueError, "100"),
        ("model=m3,policy=m3,mean_tokens=0.5", PolicyError, "0.5"),
        ("model=m3,device=tpu", ValueError, "tpu"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_asked(harness, text, kind, line):
    with pytest.raises(kind, match=line):
        harness(text)


def test_a_process_has_a_gpu_of_its_own_if_there_is_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "1")
    read = {
        text: placed(parse_model_args(split_args(text)))
        for text in (
            "model=m3",
            "model=m3,device=cpu",
            "model=m3,device_map=auto",
            "model=openai:u#n",
        )
    }
    assert list(read.values()) == [
        {"device": "cuda:1"},
        {"device": "cpu"},
        {"device_map": "auto"},
        {},
    ]
    assert choices_file("out/c.jsonl", 0).name == "c.jsonl"
    assert choices_file(None, 1) is None


def test_places_count_what_is_asked_again():
    places = Places()
    found = [places.next("a", 0), places.next("a", 0), places.next("a", 0, 1), places.next("b", 0)]
    assert [place.repeat for place in found] == [0, 1, 0, 0]
    assert found[1].name == "task a, document 0, repeat 1"


def test_odd_pictures_are_read_as_everywhere(harness):
    model = harness("model=m3,policy=m3")
    odd = [Image.new("LA", (5, 3), (9, 9)), Image.new("P", (300, 2)), Image.new("CMYK", (1, 1))]
    requests = [
        Request(Place("odd", i), lambda image=image: Prompted([image], "What?"), GREEDY)
        for i, image in enumerate(odd)
    ]
    assert [answer.grids for answer in model.answer(requests)] == [1, 1, 1]
