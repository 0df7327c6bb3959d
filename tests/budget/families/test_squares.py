"""A cap is a cap, whatever the shape of an image: of processors that make squares of it."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from families.vision import needs_torchvision
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from PIL import Image
from transformers import Glm4vProcessor, Qwen2VLProcessor, Qwen3VLProcessor
from transformers.models.glm4v.image_processing_pil_glm4v import Glm4vImageProcessorPil
from transformers.models.glm4v.image_processing_pil_glm4v import smart_resize as glm_resize
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize as qwen_resize

from budget.families.glm_v import frames_knob
from budget.families.processors import image_only
from budget.families.qwen_vl import pixels_knob
from budget.families.squares import doubling, largest_grid
from experiments.families.tiny import glm, kimi, qwen
from experiments.families.tiny.parts import tokenizer

# Processors of GLM read placeholders in a way that numpy is going to change.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAPS = (1, 2, 7, 16, 40, 64, 130, 300)
# Strips, a point, what is refused by the processors themselves, and a small image.
SHAPES = [(2000, 20), (20, 2000), (1, 1), (5000, 1), (3, 4000), (100, 80), (2000, 10), (30, 29)]


def qwen2():
    images = Qwen2VLImageProcessorPil(size=qwen.QWEN2_SIZE)
    return _knob(pixels_knob, Qwen2VLProcessor, images, qwen), qwen_natural(28, 4)


def qwen3():
    images = Qwen2VLImageProcessorPil(size=qwen.QWEN3_SIZE, patch_size=16, merge_size=2)
    return _knob(pixels_knob, Qwen3VLProcessor, images, qwen), qwen_natural(32, 64)


def glm4v():
    images = Glm4vImageProcessorPil(size=glm.SIZE)

    def natural(width, height, cap):
        rows, columns = glm_resize(
            2,
            height,
            width,
            min_pixels=min(112 * 112, 2 * 784 * cap),
            max_pixels=2 * 784 * cap,
        )
        return rows // 28 * (columns // 28)

    return _knob(frames_knob, Glm4vProcessor, images, glm), natural


def qwen_natural(side, least):
    def natural(width, height, cap):
        each = side * side
        rows, columns = qwen_resize(height, width, side, min(least, cap) * each, cap * each)
        return rows // side * (columns // side)

    return natural


def _knob(make, kind, images, family):
    tokens = tokenizer(family.SPECIAL, family.MARK)
    processor = image_only(kind)(images, tokens)
    return make(processor, SimpleNamespace(image_token_id=processor.image_token_id))


@pytest.fixture(scope="module", params=[qwen2, qwen3, glm4v], ids=lambda make: make.__name__)
def family(request):
    return request.param()


def realised(knob, size, caps=CAPS):
    return [knob.see(Image.new("RGB", size), cap).num_visual_tokens for cap in caps]


@pytest.mark.parametrize("size", SHAPES)
def test_caps_hold_for_strips_and_small_images(family, size):
    knob, _ = family
    tokens = realised(knob, size)
    assert all(1 <= n <= cap for n, cap in zip(tokens, CAPS, strict=True))
    assert all(a <= b for a, b in pairwise(tokens))


@limits(max_examples=12)
@given(st.floats(0, 3.6), st.floats(0, 3.6))
@example(0.5, 3.6)
def test_the_processor_is_left_alone_where_it_keeps_the_caps(family, high, wide):
    knob, natural = family
    width, height = (max(round(10**each), 1) for each in (wide, high))
    if width * height > 150_000:  # as much is shown by a smaller one, sooner
        width, height = width // 10 or 1, height // 10 or 1
    caps = (3, 40, 200)
    tokens = realised(knob, (width, height), caps)
    assert all(1 <= n <= cap for n, cap in zip(tokens, caps, strict=True))
    assert all(a <= b for a, b in pairwise(tokens))
    if max(width, height) <= 200 * min(width, height):
        stock = [natural(width, height, cap) for cap in caps]
        kept = [(n, own) for n, own, cap in zip(stock, tokens, caps, strict=True) if n <= cap]
        assert all(n == own for n, own in kept)


def test_a_strip_beyond_the_ratio_is_seen_whole_and_upright():
    knob, _ = qwen2()
    halves = np.zeros((4, 4000, 3), dtype=np.uint8)
    halves[:, :2000] = 255
    across = knob.see(Image.fromarray(halves), 40)
    upright = knob.see(Image.fromarray(halves.swapaxes(0, 1)), 40)
    assert across.tensors["image_grid_thw"].tolist() == [[1, 2, 80]]
    assert upright.tensors["image_grid_thw"].tolist() == [[1, 80, 2]]
    for seen in (across, upright):
        light = seen.tensors["pixel_values"].mean(dim=1).reshape(2, -1)
        # White, then black, but for the ringing of the filter at the seam.
        assert (light[0, :-8] > 1).all()
        assert (light[1, 8:] < -1).all()


def test_a_huge_strip_is_not_made_larger_than_the_cap_needs():
    knob, _ = qwen2()
    stretched = knob._within_ratio(Image.new("RGB", (65_000, 1)), 64)
    assert stretched.size == (3168, 28)


def test_a_cap_below_one_token_is_refused():
    knob, _ = qwen2()
    with pytest.raises(ValueError, match="at least 1 visual token, got 0"):
        knob.check(0)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000))
def test_the_largest_grid_is_within_the_cap_and_the_ratio(width, height, cap):
    columns, rows = largest_grid((width, height), cap)
    assert 1 <= columns * rows <= cap
    assert max(columns, rows) <= 200 * min(columns, rows)


def test_the_ladder_ends_at_the_checkpoint_s_own_cap():
    assert doubling(16384) == (64, 128, 256, 512, 1024, 2048, 4096, 16384)
    assert doubling(6144)[-2:] == (4096, 6144)
    assert doubling(64) == (64,)
    assert doubling(50) == (50,)


@needs_torchvision
@pytest.mark.parametrize("size", [*SHAPES, (640, 480), (500, 1200)])
def test_kimi_keeps_caps_that_its_own_knob_exceeds(size):
    knob = kimi_knob()
    tokens = realised(knob, size)
    assert all(1 <= n <= cap for n, cap in zip(tokens, CAPS, strict=True))
    assert all(a <= b for a, b in pairwise(tokens))


@needs_torchvision
def test_kimi_s_bound_is_the_highest_that_keeps_the_cap():
    knob = kimi_knob()
    images = knob.processor.image_processor
    for cap in (16, 64, 256):
        (bound,) = knob.sized_kwargs(cap, (640, 480)).values()
        counts = [
            images.get_number_of_image_patches(480, 640, {"max_patches": most}) // 4
            for most in (bound, bound + 1)
        ]
        assert counts[0] <= cap
        assert counts[1] > cap or bound == 4 * cap
    plain = images.get_number_of_image_patches(480, 640, {"max_patches": 4 * 256}) // 4
    assert plain > 256  # four patches a token are not enough


def kimi_knob():
    import transformers as hf

    from budget.families.kimi import patches_knob

    return _knob(patches_knob, hf.Kimi_K25Processor, hf.Kimi_K25ImageProcessor(), kimi)
