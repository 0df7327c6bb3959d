"""Questions about a layout, with their answers and what makes them hard."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np

from experiments.scenes.layout import MAX_FEW, Layout, Thing
from experiments.scenes.vocabulary import COLOUR_NAMES, LISTS, PHRASINGS, SHAPES

# How often a group is asked where a scene allows it. Groups with many possible answers count most:
# a yes or no that is right by luck makes an oracle that no policy can follow.
GROUP_WEIGHTS = {
    "global": 0.5,
    "existence": 0.9,
    "counting": 0.8,
    "attribute": 4.0,
    "relation": 1.1,
    "comparison": 0.7,
    "digit": 1.0,
    "word": 1.0,
}
LARGEST_MARGIN = 1.3

# The same for the questions that a model is tuned on: what is learned last is asked more often.
TUNING_WEIGHTS = {
    "global": 1.2,
    "existence": 2.5,
    "counting": 2.5,
    "attribute": 2.0,
    "relation": 1.0,
    "comparison": 1.0,
    "digit": 1.0,
    "word": 0.5,
}
# Things a list names at most.
LIST_LENGTH = 4

T = TypeVar("T")


class Question(NamedTuple):
    """One question about a scene.

    Attributes:
        text: the question.
        answer: one word.
        group: a name of ``vocabulary.GROUPS``.
        smallest_px: size in pixels of the smallest thing that the answer rests on.
        asked: the one thing that it is about; empty where it is about several or the whole scene.
    """

    text: str
    answer: str
    group: str
    smallest_px: int
    asked: tuple[Thing, ...] = ()


def ask(
    layout: Layout,
    count: int,
    rng: np.random.Generator,
    group_weights: Mapping[str, float] = GROUP_WEIGHTS,
) -> list[Question]:
    """Draw up to ``count`` different questions, groups by their weight among those that fit."""
    makers = dict(_MAKERS)
    asked: list[Question] = []
    seen: set[str] = set()
    tries = 4 * count + len(_MAKERS)
    while len(asked) < count and makers and tries:
        tries -= 1
        groups = list(makers)
        weights = np.array([group_weights[group] for group in groups])
        group = groups[int(rng.choice(len(groups), p=weights / weights.sum()))]
        question = makers[group](layout, rng)
        if question is None:
            del makers[group]
        elif question.text not in seen:
            seen.add(question.text)
            asked.append(question)
    return asked


def describe(layout: Layout, rng: np.random.Generator) -> list[Question]:
    """Return lists of what is in the picture, to train on: each names a few things, any order.

    A language model that must go on after ``red`` learns to look up what is red: a list holds as
    many lookups as it names things, a question only one.
    """
    shapes = _shapes(layout)
    plates = [thing for thing in layout.things if thing.plate]
    lists = [
        ("colours_first", [f"{t.colour} {t.shape}" for t in _some(shapes, "colour", rng)]),
        ("kinds_first", [f"{t.shape} {t.colour}" for t in _some(shapes, "shape", rng)]),
        ("plates", [f"{t.plate} {_content(t)}" for t in _some(plates, "plate", rng)]),
    ]
    return [Question(LISTS[kind], " ".join(names), "list", 0) for kind, names in lists if names]


def _some(things: list[Thing], by: str, rng: np.random.Generator) -> list[Thing]:
    """Draw a few things, those first that ``by`` tells from all others."""
    counts = Counter(getattr(thing, by) for thing in things)
    shuffled = [things[i] for i in rng.permutation(len(things))]
    clear_first = sorted(shuffled, key=lambda thing: counts[getattr(thing, by)] > 1)
    chosen = clear_first[:LIST_LENGTH]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _content(thing: Thing) -> str:
    return thing.value or f"{thing.colour} {thing.shape}"


def _phrase(kind: str, rng: np.random.Generator, **words: str) -> str:
    options = PHRASINGS[kind]
    return options[int(rng.integers(len(options)))].format(**words)


def _shapes(layout: Layout) -> list[Thing]:
    return [thing for thing in layout.things if thing.shape]


def _pick(options: list[T], rng: np.random.Generator) -> T:
    return options[int(rng.integers(len(options)))]


def _global(layout: Layout, rng: np.random.Generator) -> Question | None:
    if rng.random() < 0.5:
        answer = "night" if layout.night else "day"
        return Question(_phrase("time", rng), answer, "global", 96)
    return Question(_phrase("background", rng), layout.background, "global", 96)


def _existence(layout: Layout, rng: np.random.Generator) -> Question | None:
    shapes = _shapes(layout)
    if not shapes:
        return None
    thing = _pick(shapes, rng)
    if rng.random() < 0.5:
        return _kind_exists(shapes, thing, rng)
    return _pair_exists(shapes, thing, rng)


def _kind_exists(shapes: list[Thing], thing: Thing, rng: np.random.Generator) -> Question:
    absent = sorted(set(SHAPES) - {thing.shape for thing in shapes})
    if rng.random() < 0.5 and absent:
        detail = min(thing.detail for thing in shapes)
        return Question(
            _phrase("kind_exists", rng, shape=_pick(absent, rng)), "no", "existence", detail
        )
    return Question(
        _phrase("kind_exists", rng, shape=thing.shape), "yes", "existence", thing.detail
    )


def _pair_exists(shapes: list[Thing], thing: Thing, rng: np.random.Generator) -> Question:
    pairs = {(thing.shape, thing.colour) for thing in shapes}
    if rng.random() < 0.5:
        text = _phrase("exists", rng, shape=thing.shape, colour=thing.colour)
        return Question(text, "yes", "existence", thing.detail)
    # Both words fit something in the picture where possible: a bag of words cannot answer.
    absent = [(s, c) for s in {p[0] for p in pairs} for c in {p[1] for p in pairs}]
    absent = sorted(set(absent) - pairs)
    if not absent:
        absent = sorted({(s, c) for s in SHAPES for c in COLOUR_NAMES} - pairs)
    shape, colour = _pick(absent, rng)
    text = _phrase("exists", rng, shape=shape, colour=colour)
    return Question(text, "no", "existence", min(thing.detail for thing in shapes))


def _counting(layout: Layout, rng: np.random.Generator) -> Question | None:
    shapes = _shapes(layout)
    counts = Counter(thing.shape for thing in shapes)
    few = [shape for shape in counts if counts[shape] <= MAX_FEW]
    if not few:
        return None
    # Counts differ in how often a scene offers them; drawing the number first evens them out.
    by_number: dict[int, list[str]] = {}
    for shape in few:
        by_number.setdefault(counts[shape], []).append(shape)
    absent = [shape for shape in SHAPES if shape not in counts]
    if absent and rng.random() < 0.25:
        shape = _pick(absent, rng)
    else:
        shape = _pick(by_number[_pick(sorted(by_number), rng)], rng)
    detail = min((t.detail for t in shapes if t.shape == shape), default=96)
    answer = str(counts[shape])
    return Question(_phrase("count", rng, shape=shape), answer, "counting", detail)


def _attribute(layout: Layout, rng: np.random.Generator) -> Question | None:
    shapes = _shapes(layout)
    kinds = Counter(thing.shape for thing in shapes)
    colours = Counter(thing.colour for thing in shapes)
    plates = {thing.plate for thing in layout.things}
    by_kind = [t for t in shapes if kinds[t.shape] == 1]
    by_colour = [t for t in shapes if colours[t.colour] == 1 and t.colour not in plates]
    if by_kind and (rng.random() < 0.5 or not by_colour):
        thing = _pick(by_kind, rng)
        text = _phrase("colour_of", rng, shape=thing.shape)
        return Question(text, thing.colour, "attribute", thing.detail, (thing,))
    if not by_colour:
        return None
    thing = _pick(by_colour, rng)
    text = _phrase("shape_of", rng, colour=thing.colour)
    return Question(text, thing.shape, "attribute", thing.detail, (thing,))


def _relation(layout: Layout, rng: np.random.Generator) -> Question | None:
    plated = [thing for thing in layout.things if thing.kind == "plated"]
    if not plated:
        return None
    thing = _pick(plated, rng)
    kind, answer = ("shape_on", thing.shape) if rng.random() < 0.5 else ("colour_on", thing.colour)
    text = _phrase(kind, rng, plate=thing.plate)
    return Question(text, answer, "relation", thing.detail, (thing,))


def _comparison(layout: Layout, rng: np.random.Generator) -> Question | None:
    largest = layout.largest
    if largest is None:
        return None
    others = [thing.detail for thing in _shapes(layout) if thing is not largest]
    if others and largest.width < LARGEST_MARGIN * max(others):
        return None
    by_colour = rng.random() < 0.5
    kind, answer = (
        ("largest_colour", largest.colour) if by_colour else ("largest_shape", largest.shape)
    )
    return Question(_phrase(kind, rng), answer, "comparison", largest.width, (largest,))


def _reading(kind: str) -> Callable[[Layout, np.random.Generator], Question | None]:
    def make(layout: Layout, rng: np.random.Generator) -> Question | None:
        written = [thing for thing in layout.things if thing.kind == kind]
        if not written:
            return None
        thing = _pick(written, rng)
        text = _phrase(kind, rng, plate=thing.plate)
        return Question(text, thing.value, kind, thing.detail, (thing,))

    return make


_MAKERS: dict[str, Callable[[Layout, np.random.Generator], Question | None]] = {
    "global": _global,
    "existence": _existence,
    "counting": _counting,
    "attribute": _attribute,
    "relation": _relation,
    "comparison": _comparison,
    "digit": _reading("digit"),
    "word": _reading("word"),
}
