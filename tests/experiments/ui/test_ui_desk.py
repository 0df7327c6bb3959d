"""What is shown, with the shipped model and its policy behind it."""

import base64
import io
import re
from itertools import islice

import numpy as np
import pytest
from markupsafe import escape
from PIL import Image

from budget.adaptive import AdaptiveVLM
from budget.budgets import Budget
from budget.explaining.heat import heat_maps
from budget.explaining.overlay import overlay
from budget.pictures import open_image
from experiments.ui.desk import MAX_QUESTION, Wish
from experiments.ui.words import as_sentence
from policies.contributions import contributions

AUTO = Wish(0, 0.0)


def last(views):
    *_, view = views
    return view


@pytest.fixture(scope="module")
def scene(scenes):
    return scenes[0]


@pytest.fixture(scope="module")
def view(desk, scene):
    return last(desk.ask(str(scene.path), scene.question, AUTO))


def tokens_of(view):
    return int(re.search(r'data-tokens="(\d+)"', view.card).group(1))


def text_of(view):
    return re.search(r'class="answer"[^>]*>([^<]*)<', view.card).group(1)


def test_auto_answers_as_the_model_with_its_policy_does(desk, scenes):
    world = desk.answerer.world
    adaptive = AdaptiveVLM(world.model, world.own)
    for scene in scenes:
        _, view = islice(desk.ask(str(scene.path), scene.question, AUTO), 2)  # no heat maps yet
        (wanted,) = adaptive.answer([open_image(scene.path)], [scene.question])
        assert (text_of(view), tokens_of(view)) == (wanted.text, wanted.num_visual_tokens)
        chosen = view.outcome.answers[wanted.rung]
        assert chosen.flops == pytest.approx(wanted.flops)
        assert view.outcome.answers[-1].flops == pytest.approx(wanted.full_flops, rel=0.02)
        assert view.outcome.expected == pytest.approx(wanted.scores)


def test_the_answer_is_shown_before_what_takes_longer(desk, scene):
    first, second, third = desk.ask(str(scene.path), scene.question, AUTO)
    assert text_of(first) == text_of(third)
    assert (first.table, first.outcome) == ("", None)
    assert "<table" in second.table
    assert "<img" not in second.maps
    assert third.maps.count("<img") == 5


def test_moving_the_slider_shows_each_scales_own_answer(desk, scene, view):
    model = desk.answerer.world.model
    image = open_image(scene.path)
    for place, scale in enumerate(desk.answerer.scales, start=1):
        (wanted,) = model.answer([image], [scene.question], num_visual_tokens=scale)
        moved = desk.review(view.outcome, str(scene.path), scene.question, Wish(place, 0.0))
        assert (text_of(moved), tokens_of(moved)) == (wanted.text, scale)
        assert "chosen by you" in moved.card
        assert moved.outcome is view.outcome  # nothing was asked again


def test_a_higher_price_never_takes_more_tokens(desk, scene, view):
    prices = (0.0, 0.1, 0.3, 1.0, 50.0)
    taken = [
        tokens_of(desk.review(view.outcome, str(scene.path), scene.question, Wish(0, price)))
        for price in prices
    ]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] > taken[-1] == 1
    policy = desk.answerer.world.own
    for price, tokens in list(zip(prices, taken, strict=True))[1:]:
        decision = policy.choose(
            [open_image(scene.path)], [scene.question], budget=Budget(price=price)
        )
        assert desk.answerer.scales[decision.rungs[0]] == tokens


def test_the_policys_own_price_is_its_default(desk):
    assert desk.default_price == desk.answerer.world.own.prices["no-loss"]


def test_heat_maps_are_those_of_the_model_at_each_scale(view, desk, scene):
    model, image = desk.answerer.world.model, open_image(scene.path)
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', view.maps)
    wanted = heat_maps(model, image, scene.question, desk.answerer.scales)
    for source, heat in zip(sources, wanted, strict=True):
        with Image.open(io.BytesIO(base64.b64decode(source))) as shown:
            assert shown.size == (320, 320)
            own = overlay(image, heat).resize(shown.size, Image.Resampling.NEAREST)
            assert np.array_equal(np.asarray(shown), np.asarray(own))
    assert len(set(sources)) == len(sources)
    assert view.maps.count('class="here"') == 1


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("", "Ask a question about the picture first."),
        ("  \n", "Ask a question about the picture first."),
        (None, "Ask a question about the picture first."),
        ("why " * MAX_QUESTION, "too long: 7,999 characters of 2,000"),
    ],
)
def test_a_missing_question_is_one_line(desk, scene, question, said):
    view = last(desk.ask(str(scene.path), question, AUTO))
    assert said in view.problem
    assert (view.card, view.table, view.maps, view.outcome) == ("", "", "", None)


def test_a_missing_picture_is_one_line(desk):
    assert "Choose a picture first" in last(desk.ask(None, "What?", AUTO)).problem


@pytest.mark.parametrize("content", [b"", b"no picture", b"<svg xmlns='x'></svg>"])
def test_an_unreadable_file_is_one_line_without_its_place_on_the_server(desk, tmp_path, content):
    file = tmp_path / "photo.png"
    file.write_bytes(content)
    view = last(desk.ask(str(file), "What is this?", AUTO))
    assert "The picture" in view.problem
    assert str(tmp_path) not in view.problem
    assert view.problem.count("<p") == 1
    assert view.outcome is None


def test_a_slider_before_any_answer_changes_nothing(desk):
    assert desk.review(None, None, "", Wish(3, 0.0)) is None


def test_a_changed_question_must_be_asked_again(desk, scene, view):
    moved = desk.review(view.outcome, str(scene.path), "Another?", Wish(1, 0.0))
    assert "press Ask" in moved.problem
    assert moved.outcome is view.outcome


@pytest.mark.parametrize("place", [-1, 6])
def test_a_place_that_the_slider_has_not_is_refused(desk, scene, view, place):
    moved = desk.review(view.outcome, str(scene.path), scene.question, Wish(place, 0.0))
    assert f"places from 0 to 5, got {place}" in moved.problem


def test_a_picture_unlike_all_scenes_gets_the_largest_scale_and_is_told_so(desk, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (700, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    question = "Please describe, at length, whatever you believe this shows: " * 3
    _, view = islice(desk.ask(str(tmp_path / "noise.png"), question, AUTO), 2)
    assert tokens_of(view) == 144
    assert "chosen as a fallback" in view.card
    assert view.outcome.expected == ()


def test_why_is_what_moved_the_policy_at_the_price_that_was_set(desk, scene, view):
    policy, image = desk.answerer.world.own, open_image(scene.path)
    for price in (0.0, 0.3):
        moved = desk.review(view.outcome, str(scene.path), scene.question, Wish(0, price))
        said = contributions(policy, image, scene.question, budget=Budget(price=price)).sentence
        assert escape(as_sentence(said)) in moved.card
    assert said != contributions(policy, image, scene.question).sentence
