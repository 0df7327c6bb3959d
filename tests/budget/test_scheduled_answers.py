"""Answers of models that were told what batches take: the same ones, in other batches."""

import copy
from contextlib import contextmanager
from math import ceil

import numpy as np
import pytest
from PIL import Image
from toy_times import call_cost, toy_times

from budget.models import load_model
from budget.schedule import UNMEASURED

SCALES = [144, 1, 9, 36, 1, 144, 4, 9]
PLANS = {
    "unmeasured": UNMEASURED,
    "one call": toy_times(call_cost(fixed=1e6)),
    "no padding": toy_times(call_cost(token=1.0)),
    "mixed": toy_times(call_cost(fixed=10.0, token=0.1)),
}


@pytest.fixture(scope="module")
def loaded():
    return load_model("m3")


@pytest.fixture
def model(loaded):
    """A copy of its own, whose plan no other test sees."""
    return copy.copy(loaded)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (len(SCALES), 6, 6, 3), dtype=np.uint8)
    return [Image.fromarray(each).resize((96, 96)) for each in coarse]


@pytest.fixture(scope="module")
def questions():
    plain = "What color is the ring?"
    return [plain if i % 2 else f"How many things of shape {i} are there?" for i in range(8)]


@contextmanager
def rows_of(part, argument):
    """Collect how many rows every call of a part of a model has."""
    rows = []

    def note(module, args, kwargs):
        rows.append(len(args[0] if args else kwargs[argument]))

    hook = part.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield rows
    finally:
        hook.remove()


@pytest.fixture(scope="module")
def expected(loaded, pictures, questions):
    """Every answer alone."""
    return [
        loaded.answer([image], [question], num_visual_tokens=m)[0]
        for image, question, m in zip(pictures, questions, SCALES, strict=True)
    ]


@pytest.mark.parametrize("plan", PLANS)
def test_answers_do_not_depend_on_the_plan(model, pictures, questions, expected, plan):
    model.times = PLANS[plan]
    found = model.answer(pictures, questions, num_visual_tokens=SCALES)
    for alone, together in zip(expected, found, strict=True):
        assert together.token_ids == alone.token_ids
        assert together.num_visual_tokens == alone.num_visual_tokens
        assert together.confidence == pytest.approx(alone.confidence, abs=1e-4)


def test_the_plan_is_what_runs(model, pictures, questions):
    language_model = model.model.model.language_model
    rows = {}
    for name, times in PLANS.items():
        model.times = times
        with rows_of(language_model, "inputs_embeds") as calls:
            model.answer(pictures, questions, num_visual_tokens=SCALES, max_new_tokens=1)
        rows[name] = calls
        assert sum(rows[name]) == len(SCALES)
    assert rows["one call"] == [8]
    assert len(rows["unmeasured"]) > 1
    assert len(rows["no padding"]) > len(rows["mixed"]) > 1


def test_a_batch_size_is_kept(model, pictures, questions):
    model.times = PLANS["one call"]
    with rows_of(model.model.model.language_model, "inputs_embeds") as calls:
        model.answer(pictures, questions, num_visual_tokens=SCALES, max_new_tokens=1, batch_size=3)
    assert max(calls) == 3
    assert len(calls) == ceil(8 / 3)


def test_images_are_encoded_together_whatever_the_groups(model, pictures, questions):
    model.times = PLANS["no padding"]
    with rows_of(model.model.model.vision_tower, "pixel_values") as calls:
        model.answer(pictures, questions, num_visual_tokens=SCALES, max_new_tokens=1)
    assert calls == [len(pictures)]
    with rows_of(model.model.model.vision_tower, "pixel_values") as calls:
        model.answer(
            pictures * 5, questions * 5, num_visual_tokens=1, max_new_tokens=1, batch_size=7
        )
    assert calls == [32, 8]


def test_samples_of_any_number_of_images_find_their_own(model, pictures, questions):
    images = [pictures[0], None, pictures[1:3], pictures[3], None, pictures[4:7]]
    scales = [36, [], [9, 1], 1, [], [1, 4, 36]]
    asked = questions[: len(images)]
    alone = [
        model.answer([image], [question], num_visual_tokens=[m])[0]
        for image, question, m in zip(images, asked, scales, strict=True)
    ]
    model.times = PLANS["mixed"]
    found = model.answer(images, asked, num_visual_tokens=scales)
    assert [a.token_ids for a in found] == [a.token_ids for a in alone]
    assert [a.num_visual_tokens for a in found] == [36, 0, 10, 1, 0, 41]


def test_features_that_are_given_are_not_made_again(model, pictures, questions, expected):
    features = model.encode(pictures)
    model.times = PLANS["mixed"]
    with rows_of(model.model.model.vision_tower, "pixel_values") as calls:
        found = model.answer(pictures, questions, num_visual_tokens=SCALES, features=features)
    assert calls == []
    assert [a.token_ids for a in found] == [a.token_ids for a in expected]
