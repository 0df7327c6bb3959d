"""Twelve basic colours: which one a pixel has, and which ones a question names."""

import functools
import re

import numpy as np
from numpy.typing import NDArray

# Several prototypes a colour: a pixel gets the name of the nearest one.
_PROTOTYPES: tuple[tuple[str, tuple[tuple[int, int, int], ...]], ...] = (
    ("red", ((220, 30, 30), (150, 20, 30), (240, 80, 70))),
    ("green", ((40, 160, 50), (20, 90, 30), (120, 200, 90), (0, 255, 0))),
    ("blue", ((40, 70, 220), (20, 30, 120), (100, 140, 240), (0, 0, 255))),
    ("yellow", ((245, 225, 50), (255, 255, 0), (200, 180, 40))),
    ("orange", ((245, 140, 30), (255, 165, 0), (220, 110, 30))),
    ("purple", ((140, 50, 170), (90, 30, 120), (170, 110, 220))),
    ("pink", ((245, 130, 180), (255, 192, 203), (230, 60, 150))),
    ("brown", ((120, 70, 35), (90, 55, 30), (160, 110, 70))),
    ("cyan", ((60, 205, 215), (0, 255, 255), (30, 140, 150))),
    ("white", ((255, 255, 255), (225, 225, 225))),
    ("black", ((0, 0, 0), (35, 35, 35))),
    ("gray", ((128, 128, 128), (75, 75, 75), (180, 180, 180))),
)
COLOUR_NAMES: tuple[str, ...] = tuple(name for name, _ in _PROTOTYPES)
NUM_HUES = 9  # the first ones; white, black and gray have none
_SYNONYMS = {"grey": "gray", "violet": "purple", "turquoise": "cyan", "teal": "cyan"}
_UPPER, _FOUR = np.uint16(0xF0), np.uint16(4)  # bits of a byte
_WORD = re.compile(r"\b(" + "|".join([*COLOUR_NAMES, *_SYNONYMS]) + r")\b")


@functools.cache
def _lookup_table() -> NDArray[np.uint8]:
    """Return the colour of each of 16 x 16 x 16 RGB cells, shape [4096]."""
    level = np.arange(16) * 16 + 8
    cells = np.stack(np.meshgrid(level, level, level, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    points = np.array([point for _, points in _PROTOTYPES for point in points])
    owner = np.repeat(np.arange(len(_PROTOTYPES)), [len(points) for _, points in _PROTOTYPES])
    nearest = np.square(cells - points).sum(axis=-1).argmin(axis=1)
    table: NDArray[np.uint8] = owner[nearest].astype(np.uint8)
    return table


def label_pixels(
    red: NDArray[np.uint16], green: NDArray[np.uint16], blue: NDArray[np.uint16]
) -> NDArray[np.uint8]:
    """Return the index into ``COLOUR_NAMES`` of each pixel, in the shape of the three planes.

    Args:
        red: the lower byte of each number counts.
        green: likewise.
        blue: likewise.

    Example:
        >>> red, green, blue = np.array([[250, 10], [10, 10], [10, 10]], dtype=np.uint16)
        >>> [COLOUR_NAMES[i] for i in label_pixels(red, green, blue)]
        ['red', 'black']
    """
    cells = red & _UPPER
    cells <<= _FOUR
    cells |= green & _UPPER
    low = blue & _UPPER
    low >>= _FOUR
    cells |= low
    # No cell is out of range; "clip" only saves numpy looking for one.
    return _lookup_table().take(cells, mode="clip")


def named_colours(question: str) -> list[int]:
    """Return the indices of the colours that a question names, each once, in order.

    Example:
        >>> [COLOUR_NAMES[i] for i in named_colours("Is the grey cat left of the red one?")]
        ['gray', 'red']
    """
    found = (_SYNONYMS.get(word, word) for word in _WORD.findall(question.lower()))
    return [COLOUR_NAMES.index(name) for name in dict.fromkeys(found)]
