"""Gemma 3 and Gemma 4 on tiny random models."""

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

from budget import load_model
from budget.families.processors import load_processor
from experiments.families.builders import BUILDERS
from experiments.families.checks import PICTURES, QUESTIONS, picture
from experiments.families.verify import verify_folder

NAMES = ("Gemma 3", "Gemma 4")
STRIPS = ((2000, 20), (20, 2000), (1, 1), (3000, 3))
EACH = 4  # tokens of one square of the tiny Gemma 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: BUILDERS[name](tmp_path_factory.mktemp("gemma")) for name in NAMES}


@pytest.fixture(scope="module")
def gemma3(folders):
    return load_model(folders["Gemma 3"])


@pytest.mark.parametrize("name", NAMES)
def test_whole_way(folders, name):
    runner = load_model(folders[name])
    entry = verify_folder(folders[name], runner.family)
    assert entry.verified, entry.why_not
    assert entry.family == name
    for size in STRIPS:
        told = runner.realised(Image.new("RGB", size))
        assert told == sorted(told)
        assert all(n <= cap for n, cap in zip(told, runner.ladder, strict=True))


def test_gemma4_knows_five_numbers_and_takes_its_own_by_default(folders):
    folder = folders["Gemma 4"]
    assert tuple(load_model(folder).ladder) == (70, 140, 280)
    more = load_model(folder, ladder=(70, 560, 1120))
    assert more.realised(PICTURES[0]) == [63, 540, 1064]
    with pytest.raises(ValueError, match="one of 70, 140, 280, 560, 1120, got 100"):
        load_model(folder, ladder=(70, 100))


def test_gemma3_spends_nothing_on_a_single_crop(folders, gemma3):
    """One crop is the whole image again: transformers pays twice for it."""
    processor = load_processor(folders["Gemma 3"])
    one = {"do_pan_and_scan": True, "pan_and_scan_max_num_crops": 1}
    ids = processor(images=[PICTURES[1]], text=["<soi>"], images_kwargs=one)["input_ids"][0]
    assert ids.count(gemma3.token_id) == 2 * EACH
    assert gemma3.see(PICTURES[1], 2 * EACH).num_visual_tokens == EACH


def test_gemma3_crops_long_images_alone(gemma3):
    assert gemma3.realised(picture((500, 1500))) == [EACH, 3 * EACH, 4 * EACH, 4 * EACH]
    assert gemma3.realised(picture((500, 500))) == [EACH] * 4
    assert gemma3.realised(picture((1500, 60))) == [EACH] * 4
    with pytest.raises(ValueError, match="less than 4 visual tokens here, got a scale of 3"):
        gemma3.check_tokens(3)


@pytest.mark.parametrize("name", NAMES)
def test_the_tokens_of_an_image_see_each_other(folders, name):
    """A prompt's logits are those of masks by token types, which differ from causal ones."""
    runner, question = load_model(folders[name]), QUESTIONS[1]
    scale = runner.ladder[-1]
    stock = AutoModelForImageTextToText.from_pretrained(folders[name]).eval()
    processor = load_processor(folders[name])
    before, behind = runner.prompt.render(question, 1)
    inputs = processor(
        images=[PICTURES[1]],
        text=[f"{before}{processor.image_token}{behind}"],
        images_kwargs=runner.knob.kwargs(scale),
        return_tensors="pt",
    )
    with torch.inference_mode():
        wanted = stock(**inputs).logits[0]
        types = "token_type_ids" if name == "Gemma 3" else "mm_token_type_ids"
        causal = stock(**{**inputs, types: torch.zeros_like(inputs[types])}).logits[0]
    own = runner.prompt_logits(PICTURES[1], question, num_visual_tokens=scale)
    torch.testing.assert_close(own, wanted, atol=1e-4, rtol=1e-4)
    assert (wanted - causal).abs().max() > 0.01
