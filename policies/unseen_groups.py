"""What is left of a policy on a kind of question that it was not fitted on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from policies.allocation import Sweep
from policies.rules import PER_GROUP, per_group_of, sweep_of
from policies.study_fit import Closed, Factory, StudyData, closed_by, fit_rule

WITH, WITHOUT = "with", "without"


class UnseenGroup(NamedTuple):
    """A group's samples, judged on a fit with the group and on one without.

    Attributes:
        group: its name.
        num_fit: its samples in the fit split.
        num_test: its samples that are judged.
        seen: what the fit on all groups closes within the group.
        unseen: what the fit on the other groups closes; ``behind`` is what leaving it out cost.
        per_group: what the mean curve of the other groups closes, a baseline's guess.
    """

    group: str
    num_fit: int
    num_test: int
    seen: Closed
    unseen: Closed
    per_group: Closed


def unseen_group_study(
    data: StudyData,
    make: Factory,
    rng: np.random.Generator,
    *,
    seed: int = 0,
    resamples: int = 200,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[UnseenGroup]:
    """Return, group by group, what leaving it out of the fit costs on its own samples.

    Args:
        data: rows to fit and to judge on.
        make: gives the unfitted estimator of a seed.
        rng: draws of the bootstrap.
        seed: of every fit.
        resamples: of the bootstrap.
        progress: told how many groups of how many are done.

    Raises:
        ValueError: if there is but one group to fit on.
    """
    fit_groups, test_groups = np.asarray(data.groups), np.asarray(data.test.groups)
    names = [str(name) for name in np.unique(fit_groups) if (test_groups == name).any()]
    if len(np.unique(fit_groups)) < 2:
        raise ValueError(f"leaving a group out needs two groups, got {names}")
    everything, found = fit_rule(data, make, seed=seed), []
    for done, name in enumerate(names, 1):
        others, rows = np.flatnonzero(fit_groups != name), np.flatnonzero(test_groups == name)
        guess = per_group_of(
            data.test, fit_groups[others].tolist(), data.scores[others], data.tokens_of(others)
        )
        rules: dict[str, list[Sweep]] = {
            WITH: [everything],
            WITHOUT: [fit_rule(data, make, rows=others, seed=seed)],
            PER_GROUP: [sweep_of(data.test, *guess)],
        }
        closed = closed_by(data.test, rules, WITH, rng, rows=rows, resamples=resamples)
        num_fit = int((fit_groups == name).sum())
        found.append(UnseenGroup(name, num_fit, len(rows), *(closed[rule] for rule in rules)))
        progress(done, len(names))
    return found
