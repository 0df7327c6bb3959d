"""Padding, resizing and cropping of huge images without the huge images between.

A strip of 20,000 x 1 pixels padded to a square holds 1.6 GB, and resized by its shortest edge to
336 pixels it is 6,720,000 pixels long, of which a crop keeps 336. Here only those pixels are made
that depend on the image and are kept. They are the same to the bit, because Pillow resizes in two
passes, along rows and then along columns, with 8 bits between them: each pass can be made alone,
and on a window of the image if the window begins where Pillow's arithmetic has no remainder.
"""

import math
from typing import NamedTuple

import PIL
from PIL import Image

Colour = tuple[int, ...]

_STRIP = 2**22  # pixels that are padded at a time, 16 MB
_LARGEST_UNIT = 2**15  # results by which a window is widened at most
_REACH = 4  # how far, in pixels of the coarser side, a result looks: 3 for Lanczos, 1 to spare


def resize_padded(image: Image.Image, side: int, resample: int, colour: Colour) -> Image.Image:
    """Centre an RGB image on a square of ``colour`` and resize that to ``side`` x ``side``.

    Args:
        image: an image of any size.
        side: pixels of the result.
        resample: one of ``Image.Resampling`` but ``NEAREST``, which has no passes.
        colour: what is beside the image.
    """
    width, height = image.size
    shown = Image.new("RGB", (side, side), colour)
    if width >= height:
        top = (width - height) // 2
        window = _touched(width, side, top, top + height)
        column = Image.new("RGB", (side, window.high - window.low), colour)
        column.paste(image.resize((side, height), resample), (0, top - window.low))
        box = (0, window.start, side, window.end)
        part = column.resize((side, window.last - window.first), resample, box)
        shown.paste(part, (0, window.first))
    else:
        left = (height - width) // 2
        window = _touched(height, side, left, left + width)
        thin = _resize_rows(image, left, window, resample, colour)
        shown.paste(thin.resize((thin.width, side), resample), (window.first, 0))
    return shown


def resize_cropped(image: Image.Image, side: int, resample: int) -> Image.Image:
    """Resize an image's shortest edge to ``side`` and cut the square in its middle.

    Where the resized length is in the millions and shares no divisor with the image's, the window
    cannot begin without a remainder; a value in thousands may then be a grey level off.

    Args:
        image: an image of any size.
        side: pixels of the result.
        resample: one of ``Image.Resampling`` but ``NEAREST``, which has no passes.
    """
    width, height = image.size
    length = resized_length(width, height, side)
    first = (length - side) // 2
    window = _window(max(width, height), length, first, first + side)
    low, high = window.low, window.high
    if high - low > max(width, height) // 2:
        low = 0  # little to cut away
    elif width > height:
        image = image.crop((low, 0, high, height))
    else:
        image = image.crop((0, low, width, high))
    start, end = window.start + window.low - low, window.end + window.low - low
    kept, cut = window.last - window.first, first - window.first
    if width > height:
        part = image.resize((kept, height), resample, (start, 0, end, height))
        return part.resize((kept, side), resample).crop((cut, 0, cut + side, side))
    if _columns_first(width, height, side, length):
        part = image.resize((width, kept), resample, (0, start, width, end))
        part = part.resize((side, kept), resample)
    else:
        part = image.resize((side, image.height), resample)
        part = part.resize((side, kept), resample, (0, start, side, end))
    return part.crop((0, cut, side, cut + side))


def resized_length(width: int, height: int, side: int) -> int:
    """Return the longest edge once the shortest is ``side``, rounded down as transformers does.

    Example:
        >>> resized_length(20_000, 1, 336)
        6720000
    """
    return int(side * max(width, height) / min(width, height))


def _columns_first(width: int, height: int, new_width: int, new_height: int) -> bool:
    """Tell whether one call of Pillow's ``resize`` would pass along columns before rows.

    Until version 12 it never does. What version 13 does was found by trying: it is written nowhere.
    """
    if int(PIL.__version__.split(".")[0]) < 13:
        return False
    return height > new_height and height - new_height > 2 * (width - new_width)


class _Window(NamedTuple):
    """A range of results along one axis, and the range of the source that they are made from.

    Attributes:
        first: first result.
        last: one behind the last result.
        low: first source pixel that is looked at.
        high: one behind the last.
        start: where the results begin, in source pixels from ``low``.
        end: where they end.
    """

    first: int
    last: int
    low: int
    high: int
    start: float
    end: float


def _window(size: int, resized: int, first: int, last: int) -> _Window:
    """Return the window of at least the results ``first`` to ``last`` of ``size`` to ``resized``.

    Pillow keeps where a window begins as a 32-bit float. The window is widened to where that is
    without error, to results whose place in the source is a number of a few binary digits, unless
    it would become much wider.
    """
    parts = resized // math.gcd(size, resized)
    unit = parts // (parts & -parts)
    unit = unit if unit <= _LARGEST_UNIT else 1
    first, last = first // unit * unit, min(-(-last // unit) * unit, resized)
    start, end = first * size / resized, last * size / resized
    reach = _reach(size, resized)
    low, high = max(math.floor(start) - reach, 0), min(math.ceil(end) + reach, size)
    return _Window(first, last, low, high, start - low, end - low)


def _touched(size: int, resized: int, begin: int, end: int) -> _Window:
    """Return the window of all results that depend on source pixels ``begin`` to ``end``."""
    reach = _reach(size, resized)
    first = max((begin - reach) * resized // size, 0)
    return _window(size, resized, first, min(-(-(end + reach) * resized // size), resized))


def _reach(size: int, resized: int) -> int:
    return math.ceil(_REACH * max(size / resized, 1))


def _resize_rows(
    image: Image.Image, left: int, window: _Window, resample: int, colour: Colour
) -> Image.Image:
    """Resize the rows of an image that stands at ``left`` on ``colour``, a strip at a time."""
    width, height = image.size
    kept, looked_at = window.last - window.first, window.high - window.low
    thin = Image.new("RGB", (kept, height))
    rows = max(_STRIP // looked_at, 1)
    for top in range(0, height, rows):
        count = min(rows, height - top)
        strip = Image.new("RGB", (looked_at, count), colour)
        strip.paste(image.crop((0, top, width, top + count)), (left - window.low, 0))
        box = (window.start, 0, window.end, count)
        thin.paste(strip.resize((kept, count), resample, box), (0, top))
    return thin
