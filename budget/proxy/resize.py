"""Make an image smaller for a server that has no knob: fewer pixels become fewer tokens there."""

import base64
import math
from io import BytesIO
from typing import Literal, NamedTuple

from PIL import Image

from budget.pictures import MAX_PIXELS, image_size, open_draft

SizeName = Literal["max_pixels", "longest_side"]

# Files that lost detail before; what is drawn or screenshot comes as PNG and stays exact.
_LOSSY = (b"\xff\xd8", b"RIFF")
_QUALITY = 95


class Size(NamedTuple):
    """How large an image may be.

    Attributes:
        name: what is counted: all pixels, or those of the longer side.
        limit: the most of them, at least 1.
    """

    name: SizeName
    limit: int


def target_size(width: int, height: int, size: Size) -> tuple[int, int]:
    """Return the width and height that an image is shrunk to, its own if it is small enough.

    Example:
        >>> target_size(640, 480, Size("max_pixels", 76800))
        (320, 240)
        >>> target_size(640, 480, Size("longest_side", 160))
        (160, 120)
        >>> target_size(20, 10, Size("max_pixels", 76800))
        (20, 10)
    """
    name, limit = size
    count = width * height if name == "max_pixels" else max(width, height)
    if count <= limit:
        return width, height
    factor = math.sqrt(limit / count) if name == "max_pixels" else limit / count
    small = max(1, math.floor(width * factor)), max(1, math.floor(height * factor))
    # Above the limit is only a strip whose short side would have come out under one pixel.
    return small if name == "longest_side" or math.prod(small) <= limit else _strip(small, limit)


def _strip(size: tuple[int, int], limit: int) -> tuple[int, int]:
    return min(size[0], limit), min(size[1], limit)


def shrink_file(
    data: bytes, size: Size, *, max_pixels: int = MAX_PIXELS
) -> tuple[bytes, str] | None:
    """Return an image file with fewer pixels, and its media type; None if it is small enough.

    The picture is shown upright and on white, as ``budget.pictures`` has it. A JPEG is decoded no
    further than the small picture needs.

    Args:
        data: the bytes of an image file.
        size: how large it may be.
        max_pixels: the most pixels that ``data`` may have.

    Raises:
        DataError: if it cannot be decoded or has too many pixels.
    """
    width, height = image_size(data, max_pixels=max_pixels)
    small = target_size(width, height, size)
    if small == (width, height):
        return None
    draft, full = open_draft(data, 2 * max(small))
    upright = target_size(*full, size)
    shrunk = draft.resize(upright, Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = BytesIO()
    if data.startswith(_LOSSY):
        shrunk.save(file, "JPEG", quality=_QUALITY, subsampling=0)
        return file.getvalue(), "image/jpeg"
    shrunk.save(file, "PNG", compress_level=4)
    return file.getvalue(), "image/png"


def as_data_url(data: bytes, media_type: str) -> str:
    """Return a data URL that carries an image file.

    Example:
        >>> as_data_url(b"abc", "image/png")
        'data:image/png;base64,YWJj'
    """
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
