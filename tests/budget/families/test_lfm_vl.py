"""The LFM-VL families on tiny random models, with real checkpoints' sizes where these matter."""

import pytest
import torch
from families.vision import needs_torchvision
from hypothesis import example, given, settings
from hypothesis import strategies as st

from budget import load_model
from budget.families.measured_cost import language_cost
from budget.families.registry import family_of
from budget.families.seen import see
from experiments.families.checks import PICTURES, picture
from experiments.families.tiny import patches
from experiments.families.verify import verify_folder

REAL = {"tile_size": 512, "max_image_tokens": 256, "min_image_tokens": 64}
SIDES = st.integers(1, 1200)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_model(patches.lfm2_vl(tmp_path_factory.mktemp("lfm2")))


@pytest.fixture(scope="module")
def full_size(tmp_path_factory):
    """A runner whose processor is that of LFM2-VL-1.6B."""
    return load_model(patches.lfm2_vl(tmp_path_factory.mktemp("lfm2"), **REAL))


@needs_torchvision
def test_whole_way(tmp_path):
    entry = verify_folder(patches.lfm2_vl(tmp_path), family_of({"model_type": "lfm2_vl"}))
    assert entry.verified, entry.why_not


def test_whole_way_of_lfm3(tmp_path):
    entry = verify_folder(patches.lfm3_vl(tmp_path), family_of({"model_type": "lfm3_vl"}))
    assert entry.verified, entry.why_not


@needs_torchvision
def test_a_lower_cap_never_costs_more_where_the_processors_own_number_does(full_size):
    image = picture((640, 480))
    stock = [
        see(full_size.processor, image, {"max_image_tokens": most}, full_size.token_id)
        for most in (16, 256)
    ]
    assert stock[0].num_visual_tokens > 4 * stock[1].num_visual_tokens
    assert tuple(full_size.ladder) == (64, 128, 256, 768, 1280, 1792, 2816)
    assert full_size.realised(image) == [54, 117, 234, 234, 234, 234, 234]
    # Twice the most that is seen whole, and so cut into tiles.
    large = full_size.realised(picture((1600, 1200)))
    assert large == [54, 117, 234, 2 * 256 + 234, 4 * 256 + 234, 6 * 256 + 234, 6 * 256 + 234]


@needs_torchvision
def test_the_dearest_rung_is_what_the_checkpoint_does_by_itself(full_size):
    for image in (*PICTURES, picture((1600, 1200)), picture((700, 2400))):
        stock = see(full_size.processor, image, {}, full_size.token_id)
        assert full_size.see(image, full_size.ladder[-1]).text == stock.text


@needs_torchvision
@settings(max_examples=25)
@given(width=SIDES, height=SIDES, cap=st.integers(1, 600))
@example(width=3000, height=1, cap=16)
@example(width=2000, height=20, cap=800)
@example(width=100, height=80, cap=64)
@example(width=1, height=1, cap=1)
def test_any_shape_keeps_any_cap(full_size, width, height, cap):
    counts = [
        full_size.see(picture((width, height)), each).num_visual_tokens for each in (cap, 3 * cap)
    ]
    assert 1 <= counts[0] <= cap
    assert counts[0] <= counts[1] <= 3 * cap


@needs_torchvision
@pytest.mark.parametrize("size", [(2000, 20), (20, 2000), (2000, 1), (1, 1), (1920, 1080)])
def test_strips_are_not_cut_into_tiles_where_the_processor_would_fail(tiny, size):
    told = tiny.realised(picture(size))
    assert told == sorted(told)
    assert all(1 <= n <= cap for n, cap in zip(told, tiny.ladder, strict=True))


@needs_torchvision
def test_padding_to_the_cap_is_taken_off_and_changes_nothing(tiny):
    image, scale = PICTURES[2], tiny.ladder[2]
    padded = tiny.knob.knob.see(image, scale)
    bare = tiny.see(image, scale)
    assert bare.num_pixels < padded.num_pixels
    features = [
        tiny.model.get_image_features(**each.tensors, return_dict=True).pooler_output[0]
        for each in (padded, bare)
    ]
    torch.testing.assert_close(*features, atol=1e-5, rtol=1e-5)
    # Caps that differ in the padding alone are one rung.
    assert len({id(each) for each in tiny.see_every_scale(image)}) == 2


@needs_torchvision
def test_checkpoints_that_do_not_split_have_no_rungs_of_tiles(tmp_path):
    runner = load_model(patches.lfm2_vl(tmp_path, do_image_splitting=False))
    assert tuple(runner.ladder) == (4, 8, 16)
    assert runner.realised(picture((1920, 1080))) == [2, 6, 15]


@needs_torchvision
def test_a_convolutions_state_is_kept_once_whatever_the_length(tiny):
    cost = language_cost(tiny.model, token_id=5)
    config = tiny.model.config.text_config
    floats = 4
    head = config.hidden_size // config.num_attention_heads
    assert cost.cache_bytes == pytest.approx(2 * config.num_key_value_heads * head * floats)
    assert cost.state_bytes == pytest.approx(2 * config.conv_L_cache * config.hidden_size * floats)
