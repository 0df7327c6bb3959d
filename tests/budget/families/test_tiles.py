"""Families that cut images into tiles, on tiny random models."""

import json
from itertools import pairwise

import pytest
from PIL import Image
from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string

from budget import load_model
from budget.errors import ModelError
from budget.families.processors import load_processor
from experiments.families.builders import BUILDERS
from experiments.families.checks import PICTURES, picture
from experiments.families.tiny import idefics, tiles
from experiments.families.verify import verify_folder

FAMILIES = ("InternVL", "Ovis2", "Idefics3", "SmolVLM")
STRIPS = ((2000, 20), (20, 2000), (1, 1), (1, 300))


@pytest.mark.parametrize("name", FAMILIES)
def test_whole_way(name, tmp_path):
    folder = BUILDERS[name](tmp_path)
    runner = load_model(folder)
    entry = verify_folder(folder, runner.family)
    assert entry.verified, entry.why_not
    assert entry.family == name
    for size in STRIPS:
        realised = runner.realised(Image.new("RGB", size))
        assert all(n <= cap for n, cap in zip(realised, runner.ladder, strict=True))
        assert all(a <= b for a, b in pairwise(realised))
        assert realised[0] == tiles.EACH


@pytest.fixture(scope="module")
def idefics3(tmp_path_factory):
    return load_model(idefics.idefics3(tmp_path_factory.mktemp("idefics3")))


def test_rungs_of_tiles_that_coincide_are_one(tmp_path):
    runner = load_model(tiles.internvl(tmp_path))
    tall = PICTURES[1]
    assert runner.realised(tall) == [4, 12, 12, 12, 44]
    seen = runner.see_every_scale(tall)
    assert len({id(each) for each in seen}) == 3


def test_a_cap_below_one_tile_is_refused_with_what_is_legal(idefics3):
    with pytest.raises(ValueError, match="less than 4 visual tokens here, got a scale of 3"):
        idefics3.check_tokens(3)


def test_no_more_squares_than_the_model_knows_places(idefics3):
    seen = idefics3.see(picture((600, 600)), 10_000)
    assert seen.num_visual_tokens == 4 * (6 * 6 + 1)
    assert "<row_6_col_6>" in seen.text
    assert "<row_7" not in seen.text


def test_a_ladder_between_the_squares_keeps_its_caps(tmp_path):
    runner = load_model(idefics.smolvlm(tmp_path), ladder=(4, 19, 30, 50))
    assert runner.realised(picture((300, 300))) == [4, 4, 20, 40]


def test_smolvlm_without_num2words_writes_images_as_transformers_does(tmp_path):
    processor = load_processor(idefics.smolvlm(tmp_path))
    for rows, columns in ((0, 0), (2, 3)):
        grids = {"rows": [[rows]], "cols": [[columns]]}
        wanted = get_image_prompt_string(
            rows, columns, tiles.EACH, "<fake_token_around_image>", "<image>", "<global-img>"
        )
        assert processor.replace_image_token(grids, 0) == wanted


def test_what_is_set_around_squares_counts_at_full_scale(idefics3):
    """A third of Idefics3's tokens here are marks, of which the full scale has 35."""
    wide, question = PICTURES[0], "is the sign red ?"
    answers = [
        idefics3.answer([wide], [question], num_visual_tokens=m, max_new_tokens=1)[0]
        for m in idefics3.ladder
    ]
    spent = idefics3.answer_cost(answers[-1]).flops
    for answer in (answers[0], answers[-1]):
        assert idefics3.full_flops(answer, wide) == pytest.approx(spent)
    for answer in answers:
        assert idefics3.full_flops(answer, wide) == pytest.approx(spent, rel=0.02)
    pair = [wide, PICTURES[1]]
    low, high = idefics3.ladder[0], idefics3.ladder[-1]
    mixed, full = idefics3.answer(
        [pair, pair], [question] * 2, num_visual_tokens=[[low, high], [high] * 2], max_new_tokens=1
    )
    spent = idefics3.answer_cost(full).flops
    assert idefics3.full_flops(mixed, pair) == pytest.approx(spent, rel=0.02)


def test_an_ovis_that_draws_its_tokens_is_refused(tmp_path):
    folder = tiles.ovis2(tmp_path)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["vision_config"]["tokenize_function"] = "gumbel_argmax"
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"at random .*'softmax' and 'st_argmax' can be run"):
        load_model(folder)
