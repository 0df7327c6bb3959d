"""What ``budget policy fit`` reads and says about risks."""

from collections.abc import Sequence

import numpy as np

from budget.console import print_table
from budget.errors import DataError
from budget.risk import Risk
from policies.hull import FloatArray
from policies.lightgbm_policy import ScorePolicy
from policies.reading import CurveTable
from policies.risk_control import DEFAULT_RISKS


def known_flops(curves: CurveTable) -> FloatArray | None:
    """Return the FLOPs of curves that know them for every rung, or nothing.

    They must not fall with the rung on average; those of a sample may, by a longer answer.
    """
    flops = curves.flops
    known = np.isfinite(flops).all() and (np.diff(flops.mean(axis=0)) >= 0).all()
    return flops if known else None


def all_risks(asked: Sequence[Risk], curves: CurveTable) -> list[Risk]:
    """Return the risks asked for and the usual ones; none for scores that cannot have one.

    Raises:
        DataError: if risks were asked for and scores are outside [0, 1].
    """
    scores = curves.scores
    if scores.min() >= 0 and scores.max() <= 1:
        return list(dict.fromkeys([*DEFAULT_RISKS, *asked]))
    if asked:
        raise DataError(
            f"--risk needs scores in [0, 1], the curves have {scores.min():g} to {scores.max():g}"
        )
    return []


def print_risks(policy: ScorePolicy) -> None:
    """Print the table of a policy's promises, if it has any."""
    rows = [
        (
            str(row.risk),
            "full scale" if row.is_full_scale else f"{row.price:.4f}",
            f"{row.loss:.4f}",
            f"{row.mean_tokens:.1f}",
        )
        for row in policy.risks.rows
    ]
    if rows:
        print_table(("promise", "price", "calibration loss", "mean tokens"), rows, "Risks")


def risks_as_json(policy: ScorePolicy) -> list[dict[str, float | None]]:
    """Return the promises of a policy; a price of None is the full scale."""
    return [
        {
            "epsilon": row.risk.epsilon,
            "delta": row.risk.delta,
            "price": None if row.is_full_scale else row.price,
            "mean_tokens": row.mean_tokens,
        }
        for row in policy.risks.rows
    ]
