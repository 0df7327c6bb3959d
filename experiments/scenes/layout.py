"""Which things stand where in a scene: five densities, from one large thing to a crowd."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from experiments.scenes.drawing import word_mask
from experiments.scenes.vocabulary import BACKGROUNDS, COLOUR_NAMES, SHAPES, WORDS

IMAGE_SIZE = 96

# Cells a side of the grid on which things stand, and how often a scene has that density. Density
# that spans two orders of magnitude is what makes the detail that a question needs vary; cells as
# large as those that a scale of the ladder pools make it vary in steps.
DENSITIES = (1, 2, 3, 6, 12)
DENSITY_SHARES = (0.22, 0.18, 0.18, 0.21, 0.21)
# In crowded scenes bare shapes stand together in squares of four cells, so that the next coarser
# scale sees four of them as one; least and most squares by density.
CROWDS = {6: (2, 4), 12: (4, 6)}
CROWD_SIDE = 2
# How often a kind stands that may be counted.
MAX_FEW = 4
# Pixels a bare shape may stand off the middle of its cells, as a share of a cell; at least one if
# there is room. Plates stand on multiples of PLATE_STEP: what is written is hard enough to read.
JITTER = 0.04
PLATE_STEP = 8


class Sizes(NamedTuple):
    """Sizes in pixels at one density.

    Attributes:
        shape: least and most side of a bare shape.
        largest: side of the one that is clearly the largest.
        plate: side of a plate under a digit or a shape.
        ink: height of a word's ink.
    """

    shape: tuple[int, int]
    largest: int
    plate: int
    ink: int


SIZES = {
    1: Sizes((40, 52), 50, 32, 18),
    2: Sizes((25, 29), 40, 24, 16),
    3: Sizes((19, 22), 30, 16, 12),
    6: Sizes((12, 13), 26, 16, 11),
    12: Sizes((8, 8), 16, 16, 11),
}


@dataclass(slots=True)
class Thing:
    """One thing in a scene.

    Attributes:
        kind: ``shape``, ``plated`` (a shape on a plate), ``digit`` or ``word`` (both on a plate).
        shape: name of the shape, empty for digits and words.
        colour: colour of the shape, empty for digits and words.
        plate: colour of the plate, empty for a bare shape.
        value: the digit or word, empty for shapes.
        left: pixels from the left border to the thing.
        top: pixels from the upper border to the thing.
        width: pixels.
        height: pixels.
        digit_index: row of the handwriting, -1 if not a digit.
        detail: size in pixels of what must be seen to answer about it.
    """

    kind: str
    shape: str = ""
    colour: str = ""
    plate: str = ""
    value: str = ""
    left: int = 0
    top: int = 0
    width: int = 0
    height: int = 0
    detail: int = 0
    digit_index: int = -1


@dataclass(slots=True)
class Layout:
    """All that is decided about a scene before it is drawn."""

    background: str
    night: bool
    density: int
    things: list[Thing]
    largest: Thing | None


def draw_layout(
    rng: np.random.Generator, digit_indices: np.ndarray, digit_values: np.ndarray
) -> Layout:
    """Draw one layout.

    Args:
        rng: all randomness.
        digit_indices: rows of the handwriting that this split may use.
        digit_values: value 0..9 of every row of the handwriting.
    """
    density = int(rng.choice(DENSITIES, p=DENSITY_SHARES))
    free = np.ones((density, density), bool)
    plates = [_size(t, density, rng) for t in _plates(density, rng, digit_indices, digit_values)]
    plates = [thing for thing in plates if _place(thing, free, density, rng)]
    plate_colours = {thing.plate for thing in plates}
    free = _crowds(free, density, rng)
    bare = _bare_shapes(density, int(free.sum()), plate_colours, rng)
    bare = [_size(thing, density, rng) for thing in bare]
    largest = _choose_largest(bare, density, rng)
    bare = [thing for thing in bare if _place(thing, free, density, rng)]
    return Layout(
        background=str(rng.choice(BACKGROUNDS)),
        night=bool(rng.random() < 0.5),
        density=density,
        things=plates + bare,
        largest=largest if largest in bare else None,
    )


def _plates(
    density: int,
    rng: np.random.Generator,
    digit_indices: np.ndarray,
    digit_values: np.ndarray,
) -> list[Thing]:
    """Return things on plates of distinct colours, so that a plate's colour names one thing."""
    # A lone thing is a plate in seven scenes of ten; denser scenes hold several of each.
    low, high = {1: (0, 1), 2: (1, 2), 3: (3, 4), 6: (4, 5), 12: (4, 5)}[density]
    count = int(rng.random() < 0.7) if density == 1 else int(rng.integers(low, high + 1))
    kinds = rng.permutation([("digit", "word", "plated")[i % 3] for i in range(count + 2)])[:count]
    plates = []
    for kind, plate in zip(kinds, rng.permutation(COLOUR_NAMES)[:count], strict=True):
        thing = Thing(kind=str(kind), plate=str(plate))
        if kind == "digit":
            thing.digit_index = int(rng.choice(digit_indices))
            thing.value = str(digit_values[thing.digit_index])
        elif kind == "word":
            thing.value = str(rng.choice(WORDS))
        else:
            thing.shape = str(rng.choice(SHAPES))
            thing.colour = str(rng.choice([c for c in COLOUR_NAMES if c != plate]))
        plates.append(thing)
    return plates


def _bare_shapes(
    density: int, cells: int, plate_colours: set[str], rng: np.random.Generator
) -> list[Thing]:
    """Return bare shapes: some kinds and colours once, some kinds up to four times, some often."""
    if cells == 0:
        return []
    share = 1.0 if density in CROWDS else rng.uniform(0.75, 1.0)
    count = min(cells, max(1, round(cells * share)))
    kinds, colours = list(rng.permutation(SHAPES)), list(rng.permutation(COLOUR_NAMES))
    once, few, absent = kinds[:2], kinds[2:4], kinds[4:5]
    often = [kind for kind in kinds if kind not in once + few + absent]
    drawn = list(once[: max(1, min(2, count))])
    for kind in few:
        drawn += [kind] * int(rng.integers(1, MAX_FEW + 1))
    fill = max(0, count - len(drawn))
    drawn += [str(rng.choice(often)) for _ in range(fill)]
    if density < 6:
        rng.shuffle(drawn)
    drawn = drawn[:count]
    rare = [colour for colour in colours if colour not in plate_colours][:2]
    common = [colour for colour in colours if colour not in rare]
    shapes = [Thing("shape", shape=str(k), colour=str(rng.choice(common))) for k in drawn]
    # Two colours stand once each, if possible on shapes whose kind is not itself unique.
    places = [i for i, thing in enumerate(shapes) if thing.shape not in once] or [0]
    for colour, place in zip(rare, rng.permutation(places), strict=False):
        shapes[int(place)].colour = str(colour)
    return shapes


def _crowds(free: np.ndarray, density: int, rng: np.random.Generator) -> np.ndarray:
    """Return the free cells that bare shapes may take: in crowded scenes, a few squares of four."""
    if density not in CROWDS:
        return free
    squares = free.reshape(density // CROWD_SIDE, CROWD_SIDE, density // CROWD_SIDE, CROWD_SIDE)
    empty = np.argwhere(squares.all(axis=(1, 3)))
    low, high = CROWDS[density]
    chosen = rng.permutation(len(empty))[: int(rng.integers(low, high + 1))]
    kept = np.zeros_like(squares)
    for row, column in empty[chosen]:
        kept[row, :, column, :] = True
    return kept.reshape(free.shape)


def _place(thing: Thing, free: np.ndarray, density: int, rng: np.random.Generator) -> bool:
    """Give ``thing`` a free block of cells and a place near its centre; False if none is left."""
    across, down = _block(thing, density)
    spots = np.argwhere(
        np.lib.stride_tricks.sliding_window_view(free, (down, across)).all(axis=(2, 3))
    )
    if not len(spots):
        return False
    row, column = (int(x) for x in spots[int(rng.integers(len(spots)))])
    free[row : row + down, column : column + across] = False
    cell = IMAGE_SIZE // density
    spare = (across * cell - thing.width, down * cell - thing.height)
    if thing.kind == "shape":
        left, top = (_near_the_middle(room, cell, rng) for room in spare)
    else:
        left, top = (_on_whole_steps(room, rng) for room in spare)
    thing.left, thing.top = column * cell + left, row * cell + top
    return True


def _block(thing: Thing, density: int) -> tuple[int, int]:
    """Return how many cells a thing takes, across and down."""
    cell = IMAGE_SIZE // density
    return -(-thing.width // cell), -(-thing.height // cell)


def _on_whole_steps(room: int, rng: np.random.Generator) -> int:
    """Return where a plate begins in ``room`` spare pixels: the whole step nearest the middle."""
    # Both steps next to the middle where neither is the middle.
    return PLATE_STEP * int(rng.choice([room // 2, (room + 1) // 2 + PLATE_STEP - 1]) // PLATE_STEP)


def _near_the_middle(room: int, cell: int, rng: np.random.Generator) -> int:
    """Return where a bare shape begins in ``room`` spare pixels: the middle, give or take."""
    most = min(room // 2, max(1, round(JITTER * cell)))
    return room // 2 + int(rng.integers(-most, most + 1))


def _size(thing: Thing, density: int, rng: np.random.Generator) -> Thing:
    """Give ``thing`` its size and that of the detail in it."""
    sizes = SIZES[density]
    if thing.kind == "shape":
        low, high = sizes.shape
        thing.width = thing.height = thing.detail = int(rng.integers(low, high + 1))
    elif thing.kind == "word":
        ink = word_mask(thing.value, sizes.ink)
        thing.detail = sizes.ink
        thing.height, thing.width = _whole_steps(sizes.ink + 3), _whole_steps(ink.shape[1] + 3)
    else:
        thing.width = thing.height = sizes.plate
        thing.detail = round(sizes.plate * (0.85 if thing.kind == "digit" else 0.62))
    return thing


def _whole_steps(pixels: int) -> int:
    return -(-pixels // PLATE_STEP) * PLATE_STEP


def _choose_largest(bare: list[Thing], density: int, rng: np.random.Generator) -> Thing | None:
    """Make one bare shape clearly the largest and move it to the front; return it."""
    if not bare:
        return None
    largest = bare.pop(int(rng.integers(len(bare))))
    side = SIZES[density].largest
    largest.width = largest.height = largest.detail = side
    bare.insert(0, largest)
    return largest
