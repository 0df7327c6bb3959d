"""The same figures group by group."""

import numpy as np

from policies.metrics_table import Progress, Table, measure
from policies.rules import Contest


def by_group(
    contest: Contest,
    budgets: tuple[float, ...],
    rng: np.random.Generator,
    *,
    resamples: int = 200,
    progress: Progress = lambda done, total: None,
) -> dict[str, Table]:
    """Return every figure of every rule on the samples of each group alone.

    Frontiers and oracles are the group's own, as if it were served alone; what was chosen at a
    calibrated price is counted at that price, which all groups share, and so says where a budget
    goes.

    Args:
        contest: what is compared.
        budgets: mean visual tokens.
        rng: draws of the bootstrap.
        resamples: of the bootstrap.
        progress: told how many groups of how many are done.
    """
    groups = np.asarray(contest.data.groups)
    names = np.unique(groups).tolist()
    found = {}
    for done, name in enumerate(names, 1):
        rows = np.flatnonzero(groups == name)
        found[str(name)] = measure(contest, budgets, rng, resamples=resamples, rows=rows)
        progress(done, len(names))
    return found
