"""From a PIL image to the pixels that the vision tower reads."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image


def pad_to_square(image: Image.Image, colour: tuple[int, ...]) -> Image.Image:
    """Centre an RGB image on a square of ``colour``.

    Example:
        >>> pad_to_square(Image.new("RGB", (4, 2)), (9, 9, 9)).getpixel((0, 0))
        (9, 9, 9)
    """
    width, height = image.size
    if width == height:
        return image
    side = max(width, height)
    square = Image.new("RGB", (side, side), colour)
    square.paste(image, ((side - width) // 2, (side - height) // 2))
    return square


def to_pixels(images: Sequence[Image.Image], processor: Any, *, pad: bool) -> torch.Tensor:
    """Return pixel values with shape [images, 3, height, width].

    Args:
        images: images of any size and mode.
        processor: a CLIP image processor.
        pad: pad to a square of the processor's mean colour, instead of cropping the sides.
    """
    ready = [image if image.mode == "RGB" else image.convert("RGB") for image in images]
    if pad:
        colour = tuple(int(x * 255) for x in processor.image_mean)
        ready = [pad_to_square(image, colour) for image in ready]
    pixels: torch.Tensor = processor(ready, return_tensors="pt")["pixel_values"]
    return pixels
