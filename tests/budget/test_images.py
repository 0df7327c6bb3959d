import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil

import budget.images
from budget.errors import DataError
from budget.images import pad_to_square, to_pixels

PROCESSOR = CLIPImageProcessorPil(
    size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}, image_mean=[0.5, 0.25, 0.125]
)


def test_padding_centres_the_image():
    image = Image.new("RGB", (6, 2), (255, 0, 0))
    square = np.asarray(pad_to_square(image, (1, 2, 3)))
    assert square.shape == (6, 6, 3)
    assert (square[2:4] == (255, 0, 0)).all()
    assert (square[[0, 1, 4, 5]] == (1, 2, 3)).all()


def test_padded_pixels_are_about_zero_after_normalisation():
    pixels = to_pixels([Image.new("RGB", (80, 10), "white")], PROCESSOR, pad=True)
    assert pixels.shape == (1, 3, 8, 8)
    assert pixels[0, :, 0].abs().max() < 0.02


def test_images_of_any_mode_and_size_are_read():
    images = [Image.new("L", (20, 10), 200), Image.new("RGBA", (7, 9)), Image.new("P", (8, 8))]
    for pad in (True, False):
        assert to_pixels(images, PROCESSOR, pad=pad).shape == (3, 3, 8, 8)


def test_images_are_read_as_a_viewer_shows_them():
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    white = to_pixels([Image.new("RGB", (8, 8), "white")], PROCESSOR, pad=True)
    assert torch.equal(to_pixels([clear], PROCESSOR, pad=True), white)
    with pytest.raises(DataError, match="floating-point"):
        to_pixels([Image.new("F", (8, 8))], PROCESSOR, pad=True)


@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize("size", [(300, 7), (7, 300), (120, 100), (100, 120), (64, 64)])
def test_the_way_for_huge_images_gives_the_same_pixels(monkeypatch, pad, size):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    plain = to_pixels([image], PROCESSOR, pad=pad)
    monkeypatch.setattr(budget.images, "HUGE", 0)
    monkeypatch.setattr(budget.images, "pad_to_square", None)  # the plain way is closed
    assert torch.equal(to_pixels([image], PROCESSOR, pad=pad), plain)


@pytest.mark.parametrize("size", [(20_000, 1), (1, 20_000)])
def test_a_line_of_twenty_thousand_pixels(size):
    processor = CLIPImageProcessorPil(image_mean=[0.5] * 3, image_std=[0.5] * 3)
    line = Image.new("RGB", size, "white")
    small = Image.new("RGB", (30, 20))
    padded = to_pixels([line, small], processor, pad=True)
    assert padded.shape == (2, 3, 224, 224)
    assert padded[0].abs().max() < 0.05  # a line of a hundredth of a pixel, on grey
    cropped = to_pixels([line, small], processor, pad=False)
    assert (cropped[0] == 1).all()


@pytest.mark.parametrize(
    "options",
    [
        {"crop_size": {"height": 6, "width": 8}},
        {"crop_size": {"height": 6, "width": 6}},
        {"do_center_crop": False, "size": {"height": 8, "width": 8}},
        {"resample": Image.Resampling.NEAREST},
    ],
)
def test_other_processors_are_left_to_themselves(monkeypatch, options):
    processor = CLIPImageProcessorPil(
        **{"size": {"shortest_edge": 8}, "crop_size": {"height": 8, "width": 8}} | options
    )
    image = Image.fromarray(np.arange(30 * 20 * 3, dtype=np.uint8).reshape(20, 30, 3))
    plain = to_pixels([image], processor, pad=False)
    monkeypatch.setattr(budget.images, "HUGE", 0)
    assert torch.equal(to_pixels([image], processor, pad=False), plain)
