"""What the parts of the features bring: the picture alone, the question alone, both."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from policies.allocation import IntArray
from policies.decision_bench import BATCH, SQUARE, photographs
from policies.features import featurize
from policies.heights import run_pixels
from policies.image_features import IMAGE_NAMES, image_features
from policies.joint_features import JOINT_NAMES
from policies.question_features import QUESTION_NAMES, question_features
from policies.raster import make_rasters
from policies.study_fit import Closed, Factory, StudyData, closed_by, fit_rule

if TYPE_CHECKING:
    from PIL.Image import Image

# What a policy sees; what is not named after itself is looked up in picture and question together.
VIEWS: Mapping[str, tuple[str, ...]] = {
    "picture and question": (*IMAGE_NAMES, *QUESTION_NAMES, *JOINT_NAMES),
    "picture alone": IMAGE_NAMES,
    "question alone": QUESTION_NAMES,
    "both, apart": (*IMAGE_NAMES, *QUESTION_NAMES),
}


class Ablation(NamedTuple):
    """What one view of the samples closes.

    Attributes:
        view: its name.
        num_columns: features it sees.
        ms: what its features take a sample, in batches, see :func:`views_ms`.
        closed: shares of the oracles' gain; ``behind`` is what lacks to picture and question.
    """

    view: str
    num_columns: int
    ms: float
    closed: Closed


def columns_of(view: str, names: Sequence[str]) -> IntArray:
    """Return the columns that a view sees.

    Args:
        view: a name of ``VIEWS``.
        names: of all columns, in order.

    Raises:
        ValueError: if there is no such view.
    """
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}; there are {', '.join(VIEWS)}")
    wanted = set(VIEWS[view])
    return np.array([i for i, name in enumerate(names) if name in wanted], dtype=np.int64)


def ablation_study(
    data: StudyData,
    make: Factory,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    seeds: int = 1,
    resamples: int = 200,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[Ablation]:
    """Return what each view closes, fitted anew on its columns alone.

    Args:
        data: rows to fit and to judge on.
        make: gives the unfitted estimator of a seed.
        names: of the columns of ``data``.
        rng: draws of the bootstrap.
        seeds: fits of every view, which count by their mean.
        resamples: of the bootstrap.
        progress: told how many views of how many are done.
    """
    columns = {view: columns_of(view, names) for view in VIEWS}
    rules = {}
    for done, (view, seen) in enumerate(columns.items(), 1):
        rules[view] = [fit_rule(data, make, columns=seen, seed=seed) for seed in range(seeds)]
        progress(done, len(columns))
    closed = closed_by(data.test, rules, next(iter(VIEWS)), rng, resamples=resamples)
    ms = views_ms(rng)
    return [Ablation(view, len(seen), ms[view], closed[view]) for view, seen in columns.items()]


def views_ms(rng: np.random.Generator, *, repeats: int = 5) -> dict[str, float]:
    """Return milliseconds of one core a sample that each view's features take.

    Measured on batches of 64 photographs of 336 x 336, as the median of the repeats. What is
    looked up in picture and question together needs what both need.

    Args:
        rng: draws the photographs' windows.
        repeats: batches.
    """
    pictures = list(photographs(SQUARE, BATCH, rng))
    taken = {
        "picture": _median_ms(lambda i: _picture(pictures), repeats),
        "question": _median_ms(lambda i: question_features(_asked(i)), repeats),
        "all": _median_ms(lambda i: featurize(pictures, _asked(i)), repeats),
    }
    apart = taken["picture"] + taken["question"]
    return dict(zip(VIEWS, (taken["all"], taken["picture"], taken["question"], apart), strict=True))


def _picture(pictures: "Sequence[Image]") -> None:
    rasters = make_rasters(pictures)
    image_features(rasters, run_pixels(rasters.columns))


def _asked(number: int) -> list[str]:
    """Return questions that were not asked before: their features are remembered."""
    return [f"What colour is the red car number {number * BATCH + i}?" for i in range(BATCH)]


def _median_ms(work: Callable[[int], object], repeats: int) -> float:
    taken = []
    for i in range(-1, repeats):  # the first is a warm-up
        start = time.thread_time()
        work(i)
        taken.append(1e3 * (time.thread_time() - start) / BATCH)
    return statistics.median(taken[1:])
