"""Mistral3 and Pixtral on tiny random models, with real checkpoints' sizes where these matter."""

import re
from itertools import pairwise

import pytest
from families.vision import needs_torchvision, without_torchvision
from hypothesis import example, given, settings
from hypothesis import strategies as st

from budget import load_model
from budget.families.registry import family_of
from budget.families.seen import see
from experiments.families.checks import PICTURES, picture
from experiments.families.tiny import patches
from experiments.families.verify import verify_folder

SIDES = st.integers(1, 1200)


@pytest.fixture(scope="module")
def full_size(tmp_path_factory):
    """A runner whose processor is that of Mistral Small 3.1."""
    return load_model(patches.mistral3(tmp_path_factory.mktemp("mistral3"), edge=1540))


@needs_torchvision
@pytest.mark.parametrize("build", [patches.mistral3, patches.pixtral], ids=lambda b: b.__name__)
def test_whole_way(build, tmp_path):
    entry = verify_folder(build(tmp_path), family_of({"model_type": "mistral3"}))
    assert entry.verified, entry.why_not


@needs_torchvision
def test_the_edge_is_as_long_as_the_cap_and_the_shape_allow(full_size):
    assert tuple(full_size.ladder) == (64, 128, 256, 512, 1024, 2048, 3025)
    assert full_size.realised(picture((640, 480))) == [63, 117, 252, 414, 414, 414, 414]
    assert full_size.realised(picture((1600, 1600)))[-1] == 3025
    kwargs = full_size.knob.sized_kwargs
    for size in ((640, 480), (500, 1200), (1540, 1540)):
        edge = kwargs(256, size)["size"]["longest_edge"]
        counts = [
            see(
                full_size.processor,
                picture(size),
                {"size": {"longest_edge": each}},
                full_size.token_id,
            ).num_visual_tokens
            for each in (edge, edge + 1)
        ]
        assert counts[0] <= 256 < counts[1]


@needs_torchvision
@settings(max_examples=25)
@given(width=SIDES, height=SIDES, cap=st.integers(1, 300))
@example(width=3000, height=1, cap=4)
@example(width=20, height=2000, cap=1)
@example(width=1, height=1, cap=1)
def test_any_shape_keeps_any_cap(full_size, width, height, cap):
    counts = [
        full_size.see(picture((width, height)), each).num_visual_tokens for each in (cap, 2 * cap)
    ]
    assert 1 <= counts[0] <= cap
    assert counts[0] <= counts[1] <= 2 * cap


@needs_torchvision
def test_the_dearest_rung_is_what_the_checkpoint_does_by_itself(full_size):
    for image in PICTURES:
        stock = full_size.processor(images=[image], text=["[IMG]"], return_tensors="pt")
        seen = full_size.see(image, full_size.ladder[-1])
        assert seen.tensors["pixel_values"].equal(stock["pixel_values"])
        assert seen.num_visual_tokens == int((stock["input_ids"] == full_size.token_id).sum())


@needs_torchvision
def test_marks_of_rows_are_text(full_size):
    image = picture((640, 480))
    rows = [full_size.see(image, scale).text.count("[IMG_BREAK]") for scale in (64, 256)]
    assert rows == [6, 13]
    answers = full_size.answer(
        [image] * 2, ["red ?"] * 2, num_visual_tokens=[64, 256], max_new_tokens=1
    )
    text = [each.prompt_tokens - each.num_visual_tokens for each in answers]
    assert [b - a for a, b in pairwise(text)] == [13 - 6]


_LOAD = """
from budget import load_model
from budget.errors import ModelError

try:
    load_model(sys.argv[1])
except ModelError as error:
    print(error)
"""


def test_without_torchvision_the_extra_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "mistral3"}')
    (tmp_path / "processor_config.json").write_text('{"processor_class": "PixtralProcessor"}')
    said = without_torchvision(_LOAD, tmp_path)
    assert re.search(r"needs torchvision: pip install .*\[vision\]", said)
