"""MiniCPM-V on tiny random models: slices, resolution, mode, and numbers of images."""

from itertools import pairwise

import pytest
import torch
from PIL import Image

from budget import load_model
from budget.families.processors import load_processor
from experiments.families.checks import CHECKS, PICTURES, QUESTIONS, Case, picture
from experiments.families.tiny import minicpm

STRIPS = ((2000, 20), (20, 2000), (1, 1), (1, 300), (1300, 1100))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return minicpm.minicpmv4_7(tmp_path_factory.mktemp("minicpmv4_7"))


@pytest.fixture(scope="module")
def runner(folder):
    return load_model(folder)


@pytest.mark.parametrize("build", [minicpm.minicpmv4_6, minicpm.minicpmv4_7])
def test_whole_way(build, tmp_path):
    built = build(tmp_path)
    case = Case(load_model(built), built)
    assert case.runner.family.name == "MiniCPM-V"
    for check in CHECKS:
        check(case)


@pytest.mark.parametrize("size", STRIPS)
def test_caps_are_kept_by_strips_too_and_told_as_the_processor_counts(runner, size):
    caps = (1, 2, 4, 7, 12, 20, 40, 60, 160)
    picture = Image.new("RGB", size)
    counts = [runner.see(picture, cap).num_visual_tokens for cap in caps]
    assert all(n <= cap for n, cap in zip(counts, caps, strict=True))
    assert all(a <= b for a, b in pairwise(counts))
    told = [runner.knob._tokens(size, runner.knob._setting_for(size, cap)) for cap in caps]
    assert told == counts


def test_the_dear_mode_comes_above_all_slices_of_the_cheap_one(runner):
    square = picture((64, 64))
    seen = [runner.see(square, cap) for cap in (4, 40, 41, 160)]
    assert [each.tensors["downsample_mode"] for each in seen] == ["16x", "16x", "4x", "4x"]
    assert [each.num_visual_tokens for each in seen] == [4, 4, 16, 16]


def test_the_model_is_told_the_mode(runner, folder):
    """Its own default would merge sixteen patches where there is a place for each four."""
    image, question, cap = PICTURES[0], QUESTIONS[0], 160
    processor = load_processor(folder)
    text = runner.prompt.render(question, 1)
    inputs = processor(
        images=[image],
        text=[processor.image_token.join(text)],
        images_kwargs=runner.knob.sized_kwargs(cap, image.size),
        return_tensors="pt",
    )
    with torch.inference_mode():
        stock = runner.model(**inputs, downsample_mode="4x").logits[0]
    own = runner.prompt_logits(image, question, num_visual_tokens=cap)
    torch.testing.assert_close(own, stock, atol=1e-4, rtol=1e-4)


def test_modes_mix_in_a_batch_and_in_a_prompt(runner):
    scales = [[160, 4], [12, 160], [160]]
    images = [PICTURES[:2], PICTURES[1:], PICTURES[:1]]
    together = runner.answer(images, QUESTIONS, num_visual_tokens=scales, max_new_tokens=5)
    for own, question, caps, answer in zip(images, QUESTIONS, scales, together, strict=True):
        (alone,) = runner.answer([own], [question], num_visual_tokens=[caps], max_new_tokens=5)
        assert alone.token_ids == answer.token_ids
        assert alone.confidence == pytest.approx(answer.confidence, abs=1e-4)


def test_images_are_numbered_where_they_stand(runner):
    seen = runner.see(picture((64, 64)), 4)
    assert seen.text_at(0).startswith("<image_id>0</image_id><image>")
    assert seen.text_at(2).startswith("<image_id>2</image_id><image>")
    assert "image_id" not in seen.text


def test_a_cap_of_nothing_is_refused(runner):
    with pytest.raises(ValueError, match="less than 1 visual token, got a scale of 0"):
        runner.check_tokens(0)
