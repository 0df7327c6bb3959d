"""Which things stand where in a scene: five densities, from one large thing to a crowd."""

from dataclasses import dataclass

import numpy as np

from experiments.scenes.drawing import word_mask
from experiments.scenes.vocabulary import BACKGROUNDS, COLOUR_NAMES, SHAPES, WORDS

IMAGE_SIZE = 96

# Cells a side of the loose grid on which things stand, and how often a scene has that density.
# Density that spans two orders of magnitude is what makes the detail that a question needs vary.
DENSITIES = (1, 2, 3, 6, 9)
DENSITY_SHARES = (0.28, 0.16, 0.12, 0.20, 0.24)


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
    things: list[Thing] = []
    for thing in _plates(density, rng, digit_indices, digit_values):
        if _place(thing, free, density, rng):
            things.append(thing)
    bare: list[Thing] = []
    plate_colours = {thing.plate for thing in things}
    for thing in _bare_shapes(density, int(free.sum()), plate_colours, rng):
        if _place(thing, free, density, rng):
            bare.append(thing)
    largest = _enlarge_one(bare, density, rng)
    return Layout(
        background=str(rng.choice(BACKGROUNDS)),
        night=bool(rng.random() < 0.5),
        density=density,
        things=things + bare,
        largest=largest,
    )


def _plates(
    density: int,
    rng: np.random.Generator,
    digit_indices: np.ndarray,
    digit_values: np.ndarray,
) -> list[Thing]:
    """Return things on plates of distinct colours, so that a plate's colour names one thing."""
    # A lone thing is a plate in seven scenes of ten; denser scenes hold several of each.
    low, high = {1: (0, 1), 2: (2, 3), 3: (3, 4), 6: (4, 5), 9: (4, 5)}[density]
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
    """Return bare shapes: some kinds and colours once, some kinds up to five times, some often."""
    if cells == 0:
        return []
    share = rng.uniform(0.75, 1.0) if density < 6 else rng.uniform(0.55, 0.8)
    count = min(cells, max(1, round(cells * share)))
    kinds, colours = list(rng.permutation(SHAPES)), list(rng.permutation(COLOUR_NAMES))
    once, few, absent = kinds[:2], kinds[2:4], kinds[4:5]
    often = [kind for kind in kinds if kind not in once + few + absent]
    drawn = list(once[: max(1, min(2, count))])
    for kind in few:
        drawn += [kind] * int(rng.integers(1, 6))
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


def _place(thing: Thing, free: np.ndarray, density: int, rng: np.random.Generator) -> bool:
    """Give ``thing`` a size and a free block of cells; return False if none is left."""
    cell = IMAGE_SIZE / density
    if thing.kind == "shape":
        side = max(6, round(cell * rng.uniform(0.55, 0.78)))
        thing.width = thing.height = thing.detail = side
    elif thing.kind == "word":
        ink = int(np.clip(cell * rng.uniform(0.34, 0.42), 10, 30))
        thing.height, thing.detail = ink + 4, ink
        thing.width = min(word_mask(thing.value, ink).shape[1] + 6, IMAGE_SIZE - 4)
    else:
        side = max(15, round(cell * rng.uniform(0.6, 0.85)))
        side = min(side, 64)
        thing.width = thing.height = side
        thing.detail = round(side * (0.85 if thing.kind == "digit" else 0.62))
    across = int(np.ceil((thing.width - 2) / cell))
    down = int(np.ceil((thing.height - 2) / cell))
    across, down = min(across, density), min(down, density)
    spots = (
        np.argwhere(free).tolist()
        if across == down == 1
        else [
            (row, column)
            for row in range(density - down + 1)
            for column in range(density - across + 1)
            if free[row : row + down, column : column + across].all()
        ]
    )
    if not spots:
        return False
    row, column = spots[int(rng.integers(len(spots)))]
    free[row : row + down, column : column + across] = False
    thing.left = _jitter(column * cell, across * cell - thing.width, rng)
    thing.top = _jitter(row * cell, down * cell - thing.height, rng)
    return True


def _jitter(start: float, room: float, rng: np.random.Generator) -> int:
    position = start + rng.uniform(0.1, 0.9) * room if room > 0 else start + room / 2
    return round(position)


def _enlarge_one(bare: list[Thing], density: int, rng: np.random.Generator) -> Thing | None:
    """Make one bare shape clearly the largest; return it."""
    if not bare:
        return None
    largest = bare[int(rng.integers(len(bare)))]
    cell = IMAGE_SIZE / density
    second = max((thing.width for thing in bare if thing is not largest), default=0)
    side = min(max(round(cell * 0.92), round(second * 1.45)), 78)
    largest.left -= (side - largest.width) // 2
    largest.top -= (side - largest.height) // 2
    largest.left = int(np.clip(largest.left, 0, IMAGE_SIZE - side))
    largest.top = int(np.clip(largest.top, 0, IMAGE_SIZE - side))
    largest.width = largest.height = largest.detail = side
    return largest
