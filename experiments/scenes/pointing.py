"""Whether heat maps point at what was asked: the pointing game, on scenes whose layout is known.

A map hits if the centre of its hottest cell lies in the asked thing (Zhang et al., arXiv
1608.00507). Only questions about one thing are played. A map without heat points everywhere at
once, as chance does; so does a tie, in proportion.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from budget.bootstrap import Interval, mean_interval
from budget.explaining.heat import map_of, read_answers, says_nothing
from budget.explaining.layers import CONNECTOR, VISION
from budget.explaining.methods import ELEMENT_WISE, GRAD_CAM
from budget.llava import LlavaRunner
from experiments.scenes.data import Scene, iterate_scenes
from experiments.scenes.layout import Thing

CHANCE, CENTRE = "chance", "centre"
WAYS = tuple(
    (method, layer) for method in (ELEMENT_WISE, GRAD_CAM) for layer in (VISION, CONNECTOR)
)


class Played(NamedTuple):
    """One question, played at every scale.

    Attributes:
        hits: share of the hottest cells that lie in the asked thing, by (method, layer, scale).
        right: whether the answer was right, by scale.
        chance: share of all cells that lie in it.
        centre: share of the cells around the middle of the image that do.
    """

    hits: dict[tuple[str, str, int], float]
    right: dict[int, bool]
    chance: float
    centre: float


class Score(NamedTuple):
    """How often one way points at the asked thing at one scale.

    Attributes:
        way: method and layer, or a baseline.
        scale: visual tokens; 0 for a baseline, which has none.
        hits: share of all questions.
        interval: of ``hits``, 95 %.
        hits_if_right: share of the questions that were answered right; NaN if none was.
        gain: over the default way, paired; NaN for itself and for baselines.
        gain_interval: of ``gain``, 95 %.
        questions: how many were played.
        right: how many were answered right.
    """

    way: str
    scale: int
    hits: float
    interval: Interval
    hits_if_right: float
    gain: float
    gain_interval: Interval
    questions: int
    right: int


def play(
    model: LlavaRunner,
    questions: int,
    *,
    split: str = "test",
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> list[Played]:
    """Play the first questions of a split that are about one thing, at the model's ladder.

    Args:
        model: "m3" or "mqt", or one of their kind.
        questions: how many.
        split: of the scenes.
        progress: told how many were played.
    """
    games: list[Played] = []
    for scene in _about_one_thing(split):
        games.append(_play_one(model, scene))
        progress(len(games), questions)
        if len(games) == questions:
            break
    return games


def scores(
    games: list[Played], default: str, rng: np.random.Generator, *, resamples: int = 1000
) -> list[Score]:
    """Return the baselines, then every way at every scale, with intervals over questions.

    Args:
        games: what was played.
        default: the model's default layer.
        rng: where the intervals come from.
        resamples: of the questions.
    """
    found = []
    for name in (CHANCE, CENTRE):
        values = np.array([getattr(game, name) for game in games])
        spread = mean_interval(values, rng, resamples=resamples)
        nothing = Interval(np.nan, np.nan)
        found.append(Score(name, 0, values.mean(), spread, np.nan, np.nan, nothing, len(games), 0))
    first = (ELEMENT_WISE, default)
    for method, layer, scale in sorted(
        games[0].hits, key=lambda way: (way[2], WAYS.index(way[:2]))
    ):
        values = np.array([game.hits[method, layer, scale] for game in games])
        gains = values - np.array([game.hits[*first, scale] for game in games])
        right = np.array([game.right[scale] for game in games])
        itself = (method, layer) == first
        found.append(
            Score(
                f"{method}, {layer}",
                scale,
                float(values.mean()),
                mean_interval(values, rng, resamples=resamples),
                float(values[right].mean()) if right.any() else np.nan,
                np.nan if itself else float(gains.mean()),
                Interval(np.nan, np.nan)
                if itself
                else mean_interval(gains, rng, resamples=resamples),
                len(games),
                int(right.sum()),
            )
        )
    return found


def inside(thing: Thing, shape: tuple[int, int], side: int) -> NDArray[np.bool_]:
    """Return which cells of a grid have their centre in a thing.

    Args:
        thing: where it is, in pixels.
        shape: rows and columns of the grid.
        side: of the scene, in pixels.
    """
    down, along = ((np.arange(cells) + 0.5) * side / cells for cells in shape)
    rows = (down >= thing.top) & (down < thing.top + thing.height)
    columns = (along >= thing.left) & (along < thing.left + thing.width)
    return np.outer(rows, columns)


def _about_one_thing(split: str) -> Iterator[Scene]:
    for start in range(0, 10**9, 64):
        for scene in iterate_scenes(split, 64, start=start):
            if scene.questions and len(scene.questions[0].asked) == 1:
                yield scene


def _play_one(model: LlavaRunner, scene: Scene) -> Played:
    (question, *_), image = scene.questions, Image.fromarray(scene.pixels)
    hits, right = {}, {}
    aim = np.zeros((1, 1), bool)
    ways = [way for way in WAYS if not says_nothing(model, *way)]
    for layer in dict.fromkeys(layer for _, layer in ways):
        for reading in read_answers(model, image, question.text, tuple(model.ladder), layer=layer):
            scale = reading.num_visual_tokens
            right[scale] = reading.answer == question.answer
            for method in (method for method, own in ways if own == layer):
                heat = map_of(reading, method).heat
                aim = inside(question.asked[0], heat.shape, len(scene.pixels))
                hits[method, layer, scale] = float(aim[heat == heat.max()].mean())
    rows, columns = ((cells // 2 - 1 + cells % 2, cells // 2 + 1) for cells in aim.shape)
    return Played(hits, right, float(aim.mean()), float(aim[slice(*rows), slice(*columns)].mean()))
