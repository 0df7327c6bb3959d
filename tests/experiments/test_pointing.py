"""The pointing game: what is asked is where the layout says, and baselines are what they claim."""

import numpy as np
import pytest

from budget.models import load_model
from experiments.scenes.data import iterate_scenes
from experiments.scenes.layout import Thing
from experiments.scenes.pointing import Played, inside, play, scores


def played(hits, *, chance=0.1, right=True):
    return Played(
        {("element-wise", "vision", 9): float(hits), ("grad-cam", "vision", 9): 0.5},
        {9: right},
        chance,
        0.25,
    )


def test_a_question_names_the_one_thing_that_it_is_about():
    asked = [
        (question, question.asked[0])
        for scene in iterate_scenes("calibration", 150, questions=4)
        for question in scene.questions
        if question.asked
    ]
    assert {question.group for question, _ in asked} == {
        "attribute",
        "relation",
        "comparison",
        "digit",
        "word",
    }
    for question, thing in asked:
        assert len(question.asked) == 1
        assert question.answer in (thing.shape, thing.colour, thing.value)
        named = [word for word in (thing.plate, thing.shape, thing.colour) if word in question.text]
        assert named or question.group == "comparison"
        if question.group in ("relation", "digit", "word"):
            assert thing.plate in question.text


def test_cells_of_a_thing_are_those_whose_centre_it_covers():
    thing = Thing("shape", left=8, top=3, width=16, height=9)
    hit = inside(thing, (12, 12), 96)
    assert np.argwhere(hit).tolist() == [[0, 1], [0, 2]]
    assert inside(thing, (96, 96), 96).sum() == 16 * 9


def test_scores_are_shares_with_paired_gains():
    games = [played(1), played(1), played(0, right=False), played(1)]
    chance, centre, default, cam = scores(games, "vision", np.random.default_rng(0))
    assert (chance.hits, centre.hits) == (pytest.approx(0.1), 0.25)
    assert (default.hits, default.hits_if_right, default.right) == (0.75, 1.0, 3)
    assert default.interval.low <= 0.75 <= default.interval.high
    assert np.isnan(default.gain)
    assert cam.gain == pytest.approx(0.5 - 0.75)
    assert cam.gain_interval.low < cam.gain < cam.gain_interval.high
    assert (cam.way, cam.scale, cam.questions) == ("grad-cam, vision", 9, 4)


@pytest.mark.parametrize(("name", "ways"), [("m3", 4), ("mqt", 3)])
def test_every_way_is_played_at_every_scale(name, ways):
    model = load_model(name, ladder=(1, 144))
    (game,) = play(model, 1)
    assert len(game.hits) == 2 * ways
    assert set(game.right) == {1, 144}
    assert all(0 <= value <= 1 for value in game.hits.values())
    assert 0 < game.chance < 1
