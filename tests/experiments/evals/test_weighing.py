"""Likelihoods of given answers at the scale that was chosen."""

import pytest

from budget.budgets import Budget
from budget.errors import DataError
from experiments.evals.harness_model import HarnessModel
from experiments.evals.model_args import parse_model_args, split_args
from experiments.evals.places import Place
from experiments.evals.prompts import Prompted
from experiments.evals.weighing import IMPOSSIBLE, Weighed, weigh


def harness(text):
    return HarnessModel(parse_model_args(split_args(text)), say=print, warn=print)


def weighed(prompts, texts):
    return [
        Weighed(Place("t", i), lambda own=own: own, {}, True, tuple(said))
        for i, (own, said) in enumerate(zip(prompts, texts, strict=True))
    ]


def prompted(scenes):
    return [Prompted([row["image"]], row["question"]) for row in scenes]


def test_likelihoods_are_those_of_the_scale_that_was_chosen(vlm, scenes):
    texts = [[known[0], "seven red", "yes"] for known in scenes["answers"]]
    model = harness("model=m3,policy=m3,price=0.02,batch_size=5")
    found = weigh(model, weighed(prompted(scenes), texts))
    chosen = vlm.answer(scenes["image"], scenes["question"], budget=Budget(price=0.02))
    assert len({answer.rung for answer in chosen}) > 1
    every = vlm.model.every_scale(scenes["image"], scenes["question"]).likelihoods(texts)
    for own, answer, rungs in zip(found, chosen, every, strict=True):
        wanted = rungs[answer.rung]
        sums = [each.log_likelihood for each in own]
        assert sums == pytest.approx(list(wanted.log_likelihoods), rel=1e-4, abs=1e-4)
        assert [each.tokens for each in own] == list(wanted.lengths)
    assert model.report.answers == len(scenes)
    spent = sum(answer.num_visual_tokens for answer in chosen)
    assert model.report.visual_tokens == spent


def test_what_the_model_would_say_is_greedy(vlm, scenes):
    answers = vlm.model.answer(scenes["image"], scenes["question"], num_visual_tokens=36)
    texts = [[answer.text, "no such word"] for answer in answers]
    found = weigh(harness("model=m3,num_visual_tokens=36"), weighed(prompted(scenes), texts))
    assert [own[0].greedy for own in found] == [True] * len(scenes)
    assert [own[1].greedy for own in found] == [False] * len(scenes)
    assert all(own[0].log_likelihood > own[1].log_likelihood for own in found)


def test_several_images_and_none_are_weighed_too(vlm, scenes):
    pair = [scenes[0]["image"], scenes[1]["image"]]
    prompts = [Prompted(pair, "Which shape?"), Prompted([], "Which shape?")]
    found = weigh(harness("model=m3,num_visual_tokens=9"), weighed(prompts, [["ring", "red"]] * 2))
    every = vlm.model.every_scale([pair, None], ["Which shape?"] * 2).likelihoods(
        [["ring", "red"]] * 2
    )
    rung = tuple(vlm.model.ladder).index(9)
    for own, rungs in zip(found, every, strict=True):
        sums = [each.log_likelihood for each in own]
        assert sums == pytest.approx(list(rungs[rung].log_likelihoods), rel=1e-4, abs=1e-4)


def test_an_answer_without_text_is_refused_or_is_the_least_likely(scenes):
    prompts, texts = prompted(scenes)[:3], [["ring"], [" "], ["ring"]]
    with pytest.raises(DataError, match="task t, document 1: an answer needs some text, got none"):
        weigh(harness("model=m3,num_visual_tokens=1,batch_size=3"), weighed(prompts, texts))
    model = harness("model=m3,num_visual_tokens=1,batch_size=3,errors=empty")
    found = weigh(model, weighed(prompts, texts))
    assert found[1] == [IMPOSSIBLE]
    assert found[0][0].log_likelihood > IMPOSSIBLE.log_likelihood


class Plain:
    """A model that answers and does nothing else."""

    name = "plain"


def test_a_model_that_cannot_weigh_says_so(scenes):
    model = harness("model=m3")
    model.vlm.model = Plain()
    with pytest.raises(
        NotImplementedError, match="plain cannot weigh given answers, as M3 and MQT"
    ):
        weigh(model, weighed(prompted(scenes), [["x"]] * len(scenes)))
