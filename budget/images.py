"""From a PIL image to the pixels that the vision tower reads."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from budget.pictures import as_shown
from budget.shrink import resize_cropped, resize_padded, resized_length

HUGE = 2**24  # pixels: above it, images are shrunk step by step


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

    An image that would become huge on the way (padded, or resized before it is cropped) is brought
    to the size that the processor wants by ``budget.shrink``: the same values, without the memory.

    Args:
        images: images of any size and mode; read as ``budget.pictures.as_shown`` shows them.
        processor: a CLIP image processor.
        pad: pad to a square of the processor's mean colour, instead of cropping the sides.

    Raises:
        DataError: if an image cannot be shown.
    """
    colour = tuple(int(x * 255) for x in processor.image_mean) if pad else None
    ready = [_prepared(as_shown(image), processor, colour) for image in images]
    pixels: torch.Tensor = processor(ready, return_tensors="pt")["pixel_values"]
    return pixels


def _prepared(image: Image.Image, processor: Any, colour: tuple[int, ...] | None) -> Image.Image:
    """Return what the processor is given: the image, padded if there is a colour to pad with."""
    side = _square_side(processor)
    if side is not None and _pixels_between(image, side, pad=colour is not None) > HUGE:
        if colour is None:
            return resize_cropped(image, side, processor.resample)
        return resize_padded(image, side, processor.resample, colour)
    return image if colour is None else pad_to_square(image, colour)


def _pixels_between(image: Image.Image, side: int, *, pad: bool) -> int:
    """Return the pixels of the largest image on the way to ``side`` x ``side``."""
    width, height = image.size
    resized = max(width, height) ** 2 if pad else side * resized_length(width, height, side)
    return max(resized, width * height)


def _square_side(processor: Any) -> int | None:
    """Return the side of the square that a processor resizes and crops to; None if it does not."""
    size, crop = processor.size, processor.crop_size
    side: int | None = size.shortest_edge
    plain = processor.do_resize and processor.do_center_crop and size.longest_edge is None
    if not plain or (crop.height, crop.width) != (side, side):
        return None
    return side if processor.resample != Image.Resampling.NEAREST else None
