"""What the parts of the features bring: the picture alone, the question alone, both."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from policies.allocation import IntArray
from policies.image_features import IMAGE_NAMES
from policies.joint_features import JOINT_NAMES
from policies.question_features import QUESTION_NAMES
from policies.study_fit import Closed, Factory, StudyData, closed_by, fit_rule

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
        closed: shares of the oracles' gain; ``behind`` is what lacks to picture and question.
    """

    view: str
    num_columns: int
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
    return [Ablation(view, len(seen), closed[view]) for view, seen in columns.items()]
