import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Resampling

from budget.images import pad_to_square
from budget.shrink import resize_cropped, resize_padded, resized_length

COLOUR = (122, 116, 104)
SHAPES = [(1500, 1), (1501, 7), (1200, 900), (999, 50), (336, 5), (96, 96), (640, 640), (2, 1)]
SHAPES += [(h, w) for w, h in SHAPES if w != h]
# Without those for which the plain way needs too much memory.
CROPS = [(s, n) for s in SHAPES for n in (224, 96, 37) if resized_length(*s, n) < 30_000]


def noise(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("side", [336, 224, 96, 37])
@pytest.mark.parametrize("resample", [Resampling.BICUBIC, Resampling.LANCZOS, Resampling.BILINEAR])
def test_padded_as_if_the_square_had_been_there(size, side, resample):
    image = noise(*size)
    plain = pad_to_square(image, COLOUR).resize((side, side), resample)
    assert resize_padded(image, side, resample, COLOUR).tobytes() == plain.tobytes()


@pytest.mark.parametrize(("size", "side"), CROPS)
@pytest.mark.parametrize("resample", [Resampling.BICUBIC, Resampling.LANCZOS, Resampling.BILINEAR])
def test_cropped_as_if_the_rest_had_been_there(size, side, resample):
    (width, height), image = size, noise(*size)
    length = resized_length(width, height, side)
    first = (length - side) // 2
    if width > height:
        whole, kept = (length, side), (first, 0, first + side, side)
    else:
        whole, kept = (side, length), (0, first, side, first + side)
    plain = image.resize(whole, resample).crop(kept)
    assert resize_cropped(image, side, resample).tobytes() == plain.tobytes()


def test_where_no_window_is_exact_it_is_nearly_so(monkeypatch):
    monkeypatch.setattr("budget.shrink._LARGEST_UNIT", 1)
    image = noise(1300, 11)  # to 4,372: no divisor in common
    plain = image.resize((4372, 37), Resampling.BICUBIC).crop((2167, 0, 2204, 37))
    shrunk = resize_cropped(image, 37, Resampling.BICUBIC)
    differ = np.abs(np.asarray(plain, int) - np.asarray(shrunk, int))
    assert differ.max() <= 2
    assert differ.mean() < 0.01


def test_extremes_need_little_memory():
    """The squares would hold 1.6 and 17 GB, the strips before the crop 9 and 30 GB."""
    code = """
from peak_memory import peak_bytes
from PIL import Image
from budget.shrink import resize_cropped, resize_padded
before = peak_bytes()
for size in ((20_000, 1), (1, 20_000), (65_535, 1), (1, 65_535), (600, 30_000), (30_000, 600)):
    image = Image.new("RGB", size, "red")
    for shrunk in (resize_padded(image, 336, 3, (0, 0, 0)), resize_cropped(image, 336, 3)):
        assert shrunk.size == (336, 336), size
        assert shrunk.getextrema()[0][1] > 0, size
print((peak_bytes() - before) // 2**20)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, cwd=Path(__file__).parent
    )
    assert int(done.stdout) < 400  # 18 million pixels are 72 MB of it
