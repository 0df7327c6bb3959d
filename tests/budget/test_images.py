import numpy as np
from PIL import Image
from transformers import CLIPImageProcessorPil

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
