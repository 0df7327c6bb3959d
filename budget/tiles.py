"""LLaVA-NeXT's tiles: a large image is seen whole and, beside that, cut into tiles.

The rules are those of the original LLaVA code (``image_aspect_ratio`` "anyres"): of the
configured resolutions the one that keeps most of the image is taken, the image is fitted into it
on black, and cut into squares of the vision tower's size. The whole image, squeezed into one such
square, comes first.
"""

import math
from collections.abc import Sequence

from PIL import Image
from transformers.image_processing_utils import select_best_resolution

from budget.pinpoints import Resolution


def best_resolution(size: Resolution, pinpoints: Sequence[Resolution]) -> Resolution:
    """Return the resolution (width, height) that keeps most of an image of ``size``.

    Example:
        >>> best_resolution((100, 300), [(672, 672), (336, 672), (672, 336)])
        (336, 672)
    """
    flipped = [(height, width) for width, height in pinpoints]
    height, width = select_best_resolution((size[1], size[0]), flipped)
    return width, height


def count_grids(size: Resolution, pinpoints: Sequence[Resolution], side: int) -> int:
    """Return how many squares an image of ``size`` becomes: the whole image and its tiles.

    Example:
        >>> count_grids((640, 480), [(672, 672)], 336)
        5
    """
    width, height = best_resolution(size, pinpoints)
    return 1 + (width // side) * (height // side)


def cut_tiles(image: Image.Image, pinpoints: Sequence[Resolution], side: int) -> list[Image.Image]:
    """Return the whole image and its tiles, row by row, each ``side`` x ``side``.

    Args:
        image: an RGB image.
        pinpoints: resolutions (width, height) to choose from.
        side: pixels a side that the vision tower reads.
    """
    fitted = _fit(image, best_resolution(image.size, pinpoints))
    tiles = [
        fitted.crop((left, top, left + side, top + side))
        for top in range(0, fitted.height, side)
        for left in range(0, fitted.width, side)
    ]
    return [image.resize((side, side)), *tiles]


def fitted_size(size: Resolution, target: Resolution) -> Resolution:
    """Return the size of an image of ``size`` scaled into ``target`` without distortion.

    Example:
        >>> fitted_size((100, 200), (336, 336))
        (168, 336)
    """
    across, down = target[0] / size[0], target[1] / size[1]
    if across < down:
        return (target[0], min(math.ceil(size[1] * across), target[1]))
    return (min(math.ceil(size[0] * down), target[0]), target[1])


def _fit(image: Image.Image, target: Resolution) -> Image.Image:
    """Scale an image into ``target`` without distortion, centred on black."""
    size = fitted_size(image.size, target)
    fitted = Image.new("RGB", target, (0, 0, 0))
    fitted.paste(image.resize(size), ((target[0] - size[0]) // 2, (target[1] - size[1]) // 2))
    return fitted
