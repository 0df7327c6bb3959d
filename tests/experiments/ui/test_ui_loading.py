"""Models with and without a policy, with and without heat maps."""

from itertools import islice

import pytest

from budget.errors import ModelError, PolicyError
from budget.shipped import shipped_folder
from experiments.families.tiny.qwen import qwen2_vl
from experiments.ui.answering import Answerer
from experiments.ui.desk import Desk, Wish
from experiments.ui.loading import load_world
from experiments.ui.looking import queries_url


def copy_of(name, folder, *, policy=False):
    folder.mkdir()
    for file in shipped_folder(name).iterdir():
        if file.is_file() or (policy and file.name == "policy"):
            (folder / file.name).symlink_to(file)
    return folder


def last(views):
    *_, view = views
    return view


def test_the_shipped_models_bring_their_policies():
    for name in ("m3", "mqt"):
        world = load_world(name)
        assert world.notices == ()
        assert tuple(world.own.ladder) == tuple(world.model.ladder)


def test_a_model_without_a_policy_answers_in_full_and_says_so(tmp_path, scenes):
    world = load_world(str(copy_of("m3", tmp_path / "bare")))
    (notice,) = world.notices
    assert "no policy (none beside the model's weights), so auto takes the largest scale" in notice
    desk = Desk(Answerer(world))
    assert desk.default_price == 0.0
    _, view = islice(desk.ask(str(scenes[0].path), scenes[0].question, Wish(0, 0.0)), 2)
    assert 'data-tokens="144"' in view.card
    assert "no policy" in view.card
    assert view.outcome.expected == ()


def test_a_policy_for_other_scales_is_left_out_and_named_ones_must_fit():
    world = load_world("m3", ladder=(1, 9))
    assert world.own is None
    assert "for the scales (1, 4, 9, 36, 144)" in world.notices[0]
    with pytest.raises(ValueError, match="not \\(1, 9\\)"):
        load_world("m3", str(shipped_folder("m3") / "policy"), ladder=(1, 9))


def test_what_was_asked_for_by_name_must_be_there(tmp_path):
    with pytest.raises(PolicyError, match="no policy folder"):
        load_world("m3", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="no such model"):
        load_world("nowhere")


def test_a_policy_that_sees_features_is_asked_with_them(scenes):
    world = load_world("m3", str(shipped_folder("m3") / "post-vision"))
    desk = Desk(Answerer(world))
    _, view = islice(desk.ask(str(scenes[0].path), scenes[0].question, Wish(0, 0.0)), 2)
    assert "chosen by the policy" in view.card
    assert len(view.outcome.expected) == 5


def test_mqt_shows_what_its_queries_attend_to(scenes):
    desk = Desk(Answerer(load_world("mqt")))
    view = last(desk.ask(str(scenes[1].path), scenes[1].question, Wish(2, 0.0)))
    assert f'data-tokens="{desk.answerer.scales[1]}"' in view.card
    assert view.maps.count("<img") == len(desk.answerer.scales)
    assert queries_url(desk.answerer.world.model).startswith("data:image/png;base64,")


def test_a_model_of_another_family_answers_and_says_that_it_has_no_heat_maps(tmp_path, scenes):
    qwen2_vl(tmp_path / "qwen")
    world = load_world(str(tmp_path / "qwen"), ladder=(8, 16, 64))
    desk = Desk(Answerer(world, max_new_tokens=3))
    view = last(desk.ask(str(scenes[0].path), "what is the sign ?", Wish(1, 0.0)))
    assert view.problem == ""
    assert "<img" not in view.maps
    assert "There are no heat maps" in view.maps
    assert queries_url(world.model) == ""
    assert [each.scale for each in view.outcome.answers] == [8, 16, 64]
