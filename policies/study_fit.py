"""One way to fit and to judge for every study: what changes is the rows, columns or labels."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.bootstrap import Interval, intervals
from policies.allocation import IntArray, Sweep
from policies.equal_cost import Weighted
from policies.evaluation import Measured
from policies.families import known_settings, make_estimator
from policies.hull import FloatArray
from policies.rules import ANY_CORRECT, RANDOM_MIX, STABLE, Contest, oracles_of, sweep_of

# A seed to an unfitted estimator: fit(X [n, d], y [n, k]), predict(X) -> [n, k].
Factory = Callable[[int], Any]


def seeded(family: str) -> Factory:
    """Return what makes unfitted estimators of a family, with a seed where the family has one.

    Raises:
        PolicyError: if there is no such family.
    """
    make_estimator(family)

    def make(seed: int) -> Any:
        return make_estimator(family, **known_settings(family, {"random_state": seed}))

    return make


class StudyData(NamedTuple):
    """Rows to fit on and rows to judge on, which share no sample.

    Attributes:
        features: of the rows to fit on, shape [m, d].
        scores: their real scores, shape [m, k].
        groups: their groups, shape [m].
        test_features: of the rows to judge on, shape [n, d].
        test: what was measured on these.
        tokens: visual tokens of the rows to fit on, shape [m, k]; None where they are not known,
            and taken to be those of the rows to judge on, on average.
    """

    features: FloatArray
    scores: FloatArray
    groups: NDArray[np.str_]
    test_features: FloatArray
    test: Measured
    tokens: NDArray[np.int64] | None = None

    def tokens_of(self, rows: IntArray) -> NDArray[np.int64] | None:
        """Return the visual tokens of some rows to fit on, if they are known."""
        return None if self.tokens is None else self.tokens[rows]


class Closed(NamedTuple):
    """What a fit closes of the oracles' gain, by area, with paired intervals.

    Attributes:
        stable: of the stable oracle's.
        stable_95: its interval.
        any_correct: of the any-correct oracle's.
        any_95: its interval.
        behind: how much less of the stable oracle's than the reference closes; 0 for itself.
        behind_95: its interval.
    """

    stable: float
    stable_95: Interval
    any_correct: float
    any_95: Interval
    behind: float
    behind_95: Interval


def fit_rule(
    data: StudyData,
    make: Factory,
    *,
    rows: IntArray | None = None,
    columns: IntArray | None = None,
    seed: int = 0,
) -> Sweep:
    """Return the rule of an estimator that was fitted on some rows and columns.

    Args:
        data: rows to fit and to judge on.
        make: gives the unfitted estimator of a seed.
        rows: of those to fit on; all by default.
        columns: of the features; all by default.
        seed: of the estimator.
    """
    used = np.arange(data.features.shape[1]) if columns is None else columns
    chosen = np.arange(len(data.features)) if rows is None else rows
    estimator = make(seed).fit(data.features[np.ix_(chosen, used)], data.scores[chosen])
    return sweep_of(data.test, estimator.predict(data.test_features[:, used]))


def closed_by(
    test: Measured,
    rules: Mapping[str, Sequence[Sweep]],
    reference: str,
    rng: np.random.Generator,
    *,
    rows: IntArray | None = None,
    resamples: int = 200,
) -> dict[str, Closed]:
    """Return what each rule closes; one that was fitted several times counts by its mean.

    Args:
        test: what was measured on the rows to judge on.
        rules: by name, the fits of each.
        reference: name of the rule that the others are compared with, pair by pair.
        rng: draws of the bootstrap.
        rows: of ``test``, those that count; all by default.
        resamples: of the bootstrap.
    """
    flat = {f"{name} {i}": rule for name, fits in rules.items() for i, rule in enumerate(fits)}
    contest = Contest(test, flat, oracles_of(test), (), ())
    counted = np.arange(len(test.scores)) if rows is None else rows

    def look(counts: FloatArray) -> FloatArray:
        weights = np.zeros(len(test.scores))
        weights[counted] = counts
        gaps = _gaps(Weighted(contest, weights))
        means = [
            np.mean([gaps[f"{name} {i}"] for i in range(len(fits))], axis=0)
            for name, fits in rules.items()
        ]
        behind = means[list(rules).index(reference)][0]
        return np.array([[*mean, behind - mean[0]] for mean in means]).ravel()

    own = look(np.ones(len(counted))).reshape(-1, 3)
    ranges = intervals(look, len(counted), rng, resamples=resamples)
    found = {}
    for i, name in enumerate(rules):
        (stable, any_correct, behind), around = own[i].tolist(), ranges[3 * i : 3 * i + 3]
        found[name] = Closed(stable, around[0], any_correct, around[1], behind, around[2])
    return found


def _gaps(seen: Weighted) -> dict[str, tuple[float, float]]:
    """Return the share of both oracles' areas over the hull that each rule closes."""
    base = seen.areas[RANDOM_MIX]
    best = [seen.areas[oracle] - base for oracle in (STABLE, ANY_CORRECT)]
    return {
        name: (_ratio(seen.areas[name] - base, best[0]), _ratio(seen.areas[name] - base, best[1]))
        for name in seen.frontiers
    }


def _ratio(above: float, best: float) -> float:
    return above / best if best > 1e-12 else float("nan")
