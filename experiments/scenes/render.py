"""From a layout to pixels and to a label for every patch."""

import numpy as np
from numpy.typing import NDArray

from experiments.scenes.drawing import (
    background,
    blend,
    clutter,
    digit_mask,
    shape_mask,
    word_mask,
)
from experiments.scenes.layout import IMAGE_SIZE, Layout, Thing
from experiments.scenes.vocabulary import (
    BACKGROUNDS,
    COLOUR_NAMES,
    COLOURS,
    DIGITS,
    SHAPES,
    WORDS,
)

PATCH = 8
IGNORED = -100
GRID = IMAGE_SIZE // PATCH

# One channel a row of the label map: name and number of classes. 0 is "nothing here"; -100, which
# no loss counts, stands where a channel does not apply: colour, plate, value and size are asked
# only of patches that have them, so that the many empty ones do not drown what must be learned.
PATCH_CHANNELS: tuple[tuple[str, int], ...] = (
    ("kind", len(SHAPES) + 3),
    ("colour", len(COLOUR_NAMES) + 1),
    ("plate", len(COLOUR_NAMES) + 1),
    ("value", len(DIGITS) + len(WORDS) + 1),
    ("size", 7),
    ("centre", 2),
    ("background", len(BACKGROUNDS)),
    ("night", 2),
    ("row", GRID),
    ("column", GRID),
)

# The word for every class of every channel; empty where no answer would name it.
PATCH_WORDS: tuple[tuple[str, ...], ...] = (
    ("", *SHAPES, "", ""),
    ("", *COLOUR_NAMES),
    ("", *COLOUR_NAMES),
    ("", *DIGITS, *WORDS),
    *(("",) * classes for _, classes in PATCH_CHANNELS[4:]),
)


def render(
    layout: Layout, handwriting: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw a layout.

    Args:
        layout: what stands where.
        handwriting: all digits, shape [n, 8, 8], values 0..16.
        rng: draws texture, noise and distortion.

    Returns:
        RGB pixels, shape [96, 96, 3].
    """
    canvas = background(layout.background, layout.night, IMAGE_SIZE, rng)
    clutter(canvas, int(rng.integers(0, 9)), rng)
    for thing in layout.things:
        _draw(canvas, thing, handwriting, rng)
    canvas += rng.standard_normal(canvas.shape, np.float32) * np.float32(rng.uniform(1, 6))
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _shade(name: str, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray(COLOURS[name], np.float32) + rng.uniform(-14, 14, 3).astype(np.float32)


def _draw(
    canvas: NDArray[np.float32],
    thing: Thing,
    handwriting: NDArray[np.float64],
    rng: np.random.Generator,
) -> None:
    if thing.kind == "shape":
        mask = shape_mask(thing.shape, thing.width)
        blend(canvas, mask, _shade(thing.colour, rng), thing.left, thing.top)
        return
    plate = np.ones((thing.height, thing.width), np.float32)
    blend(canvas, plate, _shade(thing.plate, rng), thing.left, thing.top)
    if thing.kind == "plated":
        mask, ink = shape_mask(thing.shape, thing.detail), _shade(thing.colour, rng)
    else:
        dark = sum(COLOURS[thing.plate]) > 330
        ink = np.full(3, 15.0 if dark else 245.0, np.float32)
        if thing.kind == "digit":
            mask = digit_mask(handwriting[thing.digit_index], thing.detail, rng)
        else:
            mask = word_mask(thing.value, thing.detail)[:, : thing.width]
    left = thing.left + (thing.width - mask.shape[1]) // 2
    top = thing.top + (thing.height - mask.shape[0]) // 2
    blend(canvas, mask, ink, left, top)


def patch_labels(layout: Layout) -> NDArray[np.int16]:
    """Return the class of every patch in every channel, shape [10, 12, 12], channels first.

    A patch belongs to the thing that covers most of it, if that is at least a fifth of it or
    holds the thing's centre.
    """
    labels = np.zeros((len(PATCH_CHANNELS), GRID, GRID), np.int16)
    covered = np.zeros((GRID, GRID))
    for thing in layout.things:
        row = np.clip((thing.top + thing.height // 2) // PATCH, 0, GRID - 1)
        column = np.clip((thing.left + thing.width // 2) // PATCH, 0, GRID - 1)
        share = np.outer(_overlap(thing.top, thing.height), _overlap(thing.left, thing.width))
        share[row, column] += 1
        mine = (share >= 0.2) & (share > covered)
        covered[mine] = share[mine]
        labels[:6, mine] = np.asarray(_classes(thing), np.int16)[:, None]
        labels[5, row, column] = 1 if mine[row, column] else labels[5, row, column]
    labels[1:4][labels[1:4] == 0] = IGNORED
    labels[4:6, labels[0] == 0] = IGNORED
    labels[6] = BACKGROUNDS.index(layout.background)
    labels[7] = layout.night
    labels[8] = np.arange(GRID)[:, None]
    labels[9] = np.arange(GRID)[None, :]
    return labels


def _overlap(start: int, length: int) -> NDArray[np.float64]:
    """Return which share of every patch along one axis lies in [start, start + length)."""
    edges = np.arange(GRID) * PATCH
    low, high = np.maximum(edges, start), np.minimum(edges + PATCH, start + length)
    share: NDArray[np.float64] = np.maximum(high - low, 0) / PATCH
    return share


def _classes(thing: Thing) -> tuple[int, int, int, int, int, int]:
    kind = {"digit": len(SHAPES) + 1, "word": len(SHAPES) + 2}.get(thing.kind)
    if kind is None:
        kind = 1 + SHAPES.index(thing.shape)
    value = 0
    if thing.kind == "digit":
        value = 1 + DIGITS.index(thing.value)
    elif thing.kind == "word":
        value = 1 + len(DIGITS) + WORDS.index(thing.value)
    size = 1 + int(np.searchsorted((8, 11, 16, 28, 48), thing.width, side="right"))
    return (
        kind,
        1 + COLOUR_NAMES.index(thing.colour) if thing.colour else 0,
        1 + COLOUR_NAMES.index(thing.plate) if thing.plate else 0,
        value,
        size,
        0,
    )
