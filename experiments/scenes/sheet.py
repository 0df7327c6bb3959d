"""A sheet of small pictures with captions, for people to look at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_SIDE, _LINE, _GAP = 288, 17, 14


def draw_sheet(
    pictures: Sequence[NDArray[np.uint8]],
    captions: Sequence[Sequence[str]],
    *,
    columns: int = 4,
) -> Image.Image:
    """Return pictures in rows, each with its lines of text below it.

    Args:
        pictures: RGB, shape [h, w, 3] each.
        captions: lines below each picture.
        columns: pictures a row.

    Raises:
        ValueError: if there is not one caption per picture.
    """
    if len(pictures) != len(captions):
        raise ValueError(f"{len(pictures)} pictures need as many captions, got {len(captions)}")
    rows = -(-len(pictures) // columns)
    height = _SIDE + _LINE * max(map(len, captions), default=0) + _GAP
    sheet = Image.new("RGB", (columns * (_SIDE + _GAP) + _GAP, rows * height + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for index, (pixels, lines) in enumerate(zip(pictures, captions, strict=True)):
        left = _GAP + index % columns * (_SIDE + _GAP)
        top = _GAP + index // columns * height
        picture = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        sheet.paste(picture, (left, top))
        for number, line in enumerate(lines):
            draw.text((left, top + _SIDE + 2 + number * _LINE), line, fill="black", font=font)
    return sheet
