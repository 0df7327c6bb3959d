from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_host import png
from PIL import Image

from budget.errors import DataError
from budget.pictures import open_image
from budget.proxy.resize import Size, shrink_file, target_size

SIDES = st.integers(1, 70_000)


def file_of(image, kind, **options):
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@settings(deadline=None)
@given(SIDES, SIDES, st.integers(1, 10**7))
def test_a_size_never_exceeds_its_limit_or_the_image(width, height, limit):
    for size in (Size("max_pixels", limit), Size("longest_side", limit)):
        w, h = target_size(width, height, size)
        assert 1 <= w <= width
        assert 1 <= h <= height
        assert (w * h if size.name == "max_pixels" else max(w, h)) <= limit
        if (w, h) != (width, height):
            assert target_size(w, h, size) == (w, h)


@settings(deadline=None)
@given(st.integers(100, 5000), st.integers(100, 5000), st.integers(10_000, 10**6))
def test_the_limit_is_used_and_the_shape_is_kept(width, height, limit):
    w, h = target_size(width, height, Size("max_pixels", limit))
    if width * height > limit:
        assert (w + 1) * (h + 1) > limit
        assert abs(w * height / (h * width) - 1) < 1 / min(w, h) + 1e-9


def test_a_png_stays_exact_and_a_photograph_a_jpeg():
    drawn = shrink_file(png(200, 100, "red"), Size("max_pixels", 5000))
    assert drawn is not None
    data, kind = drawn
    assert kind == "image/png"
    np.testing.assert_array_equal(np.asarray(open_image(data)), np.full((50, 100, 3), [255, 0, 0]))
    ramp = Image.linear_gradient("L").resize((640, 480)).convert("RGB")
    data, kind = shrink_file(file_of(ramp, "JPEG", quality=95), Size("longest_side", 64))
    assert kind == "image/jpeg"
    expected = np.asarray(ramp.resize((64, 48), Image.Resampling.BOX), dtype=float)
    assert np.abs(np.asarray(open_image(data), dtype=float) - expected).mean() < 3


def test_what_is_small_enough_is_left_alone():
    assert shrink_file(png(10, 10), Size("max_pixels", 100)) is None
    assert shrink_file(png(10, 10), Size("longest_side", 10)) is None


def test_a_photograph_that_lies_comes_out_upright():
    lying = Image.new("RGB", (400, 200), "white")
    lying.paste("black", (0, 0, 200, 200))  # black at the left, which is up when it stands
    exif = Image.Exif()
    exif[0x0112] = 6
    data, _ = shrink_file(file_of(lying, "JPEG", exif=exif), Size("longest_side", 40))
    shown = open_image(data)
    assert shown.size == (20, 40)
    assert shown.getpixel((10, 5))[0] < 30 < 220 < shown.getpixel((10, 35))[0]


@pytest.mark.parametrize("data", [b"", b"no image", png(64, 48)[:60]])
def test_what_cannot_be_decoded_is_refused(data):
    with pytest.raises(DataError, match=r"image"):
        shrink_file(data, Size("max_pixels", 10))


def test_more_pixels_than_allowed_are_not_decoded():
    with pytest.raises(DataError, match="at most 99 pixels"):
        shrink_file(png(10, 10), Size("max_pixels", 10), max_pixels=99)
