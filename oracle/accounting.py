"""What an oracle is said to reach and to cost, by a stated rule for solved and unsolved samples.

The M3 paper (arXiv 2405.17430) counts a sample as right if any scale is, charges it the fewest
tokens among its right scales, and charges a sample that no scale solves the *cheapest* scale.
That is ``first_correct`` with ``unsolved="cheapest"``, the default here.
"""

from typing import NamedTuple

import numpy as np

from oracle.curves import Curves
from oracle.labels import Rule, Unsolved, label


class OracleAccount(NamedTuple):
    """An oracle's accuracy and cost.

    Attributes:
        rule: how a sample's rung is found.
        unsolved: what a sample that no rung solves is charged.
        accuracy: mean score at the rung charged, unsolved samples included, in [0, 1].
        solved: share of samples that the rule solves, in [0, 1].
        mean_tokens: visual tokens per sample.
        mean_flops: floating point operations per sample; NaN if unknown.
        n: samples counted; with ``unsolved="drop"`` the solved ones.
    """

    rule: Rule
    unsolved: Unsolved
    accuracy: float
    solved: float
    mean_tokens: float
    mean_flops: float
    n: int


def account(
    curves: Curves,
    rule: Rule = "first_correct",
    unsolved: Unsolved = "cheapest",
    threshold: float = 0.5,
    tolerance: float = 0.1,
) -> OracleAccount:
    """Return what the oracle of ``rule`` reaches and costs on ``curves``.

    Args:
        curves: scores and costs at every rung.
        rule: see ``oracle.labels``; the default is M3's.
        unsolved: what a sample that no rung solves is charged; the default is M3's.
        threshold: score from which an answer counts as right.
        tolerance: for ``within_tolerance``, score a sample may lose against its best rung.

    Raises:
        ValueError: if a rule is unknown, or no sample is left to count.
    """
    labels = label(curves, rule, unsolved, threshold, tolerance)
    rows = np.flatnonzero(labels.kept)
    if not rows.size:
        raise ValueError(f"no sample of {len(curves)} is left by {rule} with unsolved={unsolved}")
    at = (rows, labels.rungs[rows])
    return OracleAccount(
        rule=rule,
        unsolved=unsolved,
        accuracy=float(curves.scores[at].mean()),
        solved=float(labels.solved.mean()),
        mean_tokens=float(curves.num_visual_tokens[at].mean()),
        mean_flops=float(curves.flops[at].mean()),
        n=int(rows.size),
    )


def charge_full(mean_tokens: float, solved: float, *, cheapest: int, full: int) -> float:
    """Return an oracle's mean tokens once unsolved samples are charged ``full`` tokens.

    Args:
        mean_tokens: mean with unsolved samples charged ``cheapest``, as M3 publishes it.
        solved: share of samples that some scale solves, in [0, 1].
        cheapest: tokens of the smallest scale.
        full: tokens of the largest scale.

    Raises:
        ValueError: if ``solved`` is not in [0, 1].

    Example:
        LLaVA-NeXT-M3 on TextVQA, published as 31.39 tokens at 70.51 %:

        >>> round(charge_full(31.39, 0.7051, cheapest=1, full=576), 1)
        201.0
    """
    if not 0 <= solved <= 1:
        raise ValueError(f"solved must be in [0, 1], got {solved}")
    return mean_tokens + (1 - solved) * (full - cheapest)
