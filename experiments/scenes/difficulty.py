"""Is the gap real? A policy that is told the hidden difficulty must be able to close it.

An oracle's gain over fixed scales may be luck. What can be closed at all is measured with a
LightGBM policy that is given what no real policy sees: how many things the scene has and how large
the smallest thing is that the answer rests on. Its baseline is one fixed scale per group.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from experiments.scenes.vocabulary import GROUPS

if TYPE_CHECKING:
    from datasets import Dataset

    from policies.gaps import GapInterval


class RealGap(NamedTuple):
    """How much of the oracles' area over the hull two informed rules close.

    Attributes:
        hidden: a LightGBM policy that is given the hidden difficulty and the group.
        per_group: one fixed scale per group.
    """

    hidden: "GapInterval"
    per_group: "GapInterval"


def hidden_features(dataset: "Dataset") -> NDArray[np.float64]:
    """Return number of things, smallest size in pixels and group of every row, shape [n, 10]."""
    groups = np.array(dataset["group"][:])
    return np.column_stack(
        [
            np.asarray(dataset["things"][:], np.float64),
            np.asarray(dataset["smallest_px"][:], np.float64),
            *[(groups == group).astype(np.float64) for group in GROUPS],
        ]
    )


def measure_real_gap(
    fit: "Dataset",
    fit_scores: NDArray[np.float64],
    test: "Dataset",
    test_scores: NDArray[np.float64],
    tokens: ArrayLike,
    rng: np.random.Generator,
) -> RealGap:
    """Fit both rules on ``fit``, and measure them on ``test``.

    Args:
        fit: rows that the rules learn from.
        fit_scores: their scores, shape [n, k].
        test: other rows.
        test_scores: their scores, shape [m, k].
        tokens: visual tokens of every rung, shape [k], or that ``test`` took, shape [m, k].
        rng: draws of the bootstrap.
    """
    from policies.gaps import GapMeter
    from policies.per_group import PerGroupScores
    from policies.rung_means import rung_means
    from policies.scores import LightGBMScores

    # Ten columns need all of them in every tree, unlike the wide table of the real policy.
    hidden = LightGBMScores(feature_fraction=1.0).fit(hidden_features(fit), fit_scores)
    grouped = PerGroupScores().fit(fit["group"][:], fit_scores)
    costs = np.broadcast_to(np.asarray(tokens, dtype=np.float64), test_scores.shape)
    meter = GapMeter(test_scores, costs, chosen_by=rung_means(costs))
    return RealGap(
        meter.measure_with_interval(hidden.predict(hidden_features(test)), rng),
        meter.measure_with_interval(grouped.predict(test["group"][:]), rng),
    )
