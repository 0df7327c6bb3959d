"""What shuffling features does to the choices of a run's policies."""

from typing import Any

import numpy as np

from experiments.report.runs import Run
from policies.evaluation_inputs import table_measured
from policies.importance import ImportanceTable, importance

_MOST = 2000  # samples that features are shuffled among


def shuffled(run: Run, rng: np.random.Generator, *, resamples: int) -> dict[str, ImportanceTable]:
    """Return what every policy's groups of features are worth, by the policy's name.

    Policies that look at more than features are left out; of many samples, some are drawn.

    Args:
        run: with its policies.
        rng: draws of samples, shuffles and resamples.
        resamples: of the bootstrap.
    """
    curves: Any = run.curves
    data = table_measured(curves)
    rows = np.sort(rng.permutation(len(run.curves))[:_MOST])
    found = {}
    for each in run.policies:
        if each.policy is not None and each.features is not None and len(rows) > 1:
            found[each.name] = importance(
                each.policy,
                each.features[rows],
                data.scores[rows],
                rng,
                tokens=data.tokens[rows],
                price=each.price,
                resamples=resamples,
            )
    return found
