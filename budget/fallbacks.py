"""Decisions of which some samples were given the configured scale, and why."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budget.budgets import Decision
from budget.errors import one_line

OUTLIER = "outlier"
DEADLINE = "deadline"
ERROR = "error"
MALFORMED = "malformed"
NO_POLICY = "no policy"
REASONS = (OUTLIER, DEADLINE, ERROR, MALFORMED, NO_POLICY)


class MalformedError(Exception):
    """What a policy returned is no decision; the message says why."""


def fallen(n: int, k: int, rung: int, why: str, detail: str = "") -> Decision:
    """Return the decision that gives all of n samples one rung of k, for one reason."""
    rungs = np.full(n, rung, dtype=np.int64)
    return Decision(rungs, np.zeros((n, k)), fallbacks=(why,) * n, details=(detail,) * n)


def trusted_part(found: Any, n: int, k: int, rung: int) -> Decision:
    """Return a policy's decision, with a rung of ours for the samples where it cannot be trusted.

    Those are samples that it calls outliers, and rows of numbers that cannot be.

    Args:
        found: whatever a policy returned.
        n: samples that it was asked about.
        k: rungs of the ladder.
        rung: the configured one.

    Raises:
        MalformedError: if ``found`` is not a decision on n samples at all.
    """
    rungs, scores, note, far = _parts(found, n)
    if rungs.shape != (n,) or scores.shape != (n, k) or far.shape != (n,):
        raise MalformedError(
            f"rungs must be [{n}] and scores [{n}, {k}], got {rungs.shape} and {scores.shape}"
        )
    if not np.issubdtype(rungs.dtype, np.integer):
        raise MalformedError(f"rungs must be integers, got {rungs.dtype}")
    broken = ~np.isfinite(scores).all(axis=1) | (rungs < 0) | (rungs >= k)
    if not (broken | far).any():
        return Decision(rungs, scores, note, far, ("",) * n, ("",) * n)
    said = {
        "": "",
        MALFORMED: f"scores must be finite and rungs from 0 to {k - 1}",
        OUTLIER: "unlike all that the policy was calibrated on",
    }
    why: list[str] = np.where(broken, MALFORMED, np.where(far, OUTLIER, "")).tolist()
    return Decision(
        np.where(broken | far, rung, rungs).astype(np.int64),
        np.where(broken[:, None], 0.0, scores),
        note,
        far,
        tuple(why),
        tuple(said[each] for each in why),
    )


def _parts(
    found: Any, n: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], str, NDArray[np.bool_]]:
    try:
        rungs, scores = np.asarray(found.rungs), np.asarray(found.scores, dtype=np.float64)
        far = np.zeros(n, bool) if found.outliers is None else np.asarray(found.outliers, bool)
        return rungs, scores, str(found.note), far
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedError(f"no decision: {one_line(error)}") from error


def joined(parts: Sequence[Decision]) -> Decision:
    """Return decisions on some samples each as one on all; what was said is said once."""
    known = [
        np.zeros(len(part.rungs), bool) if part.outliers is None else part.outliers
        for part in parts
    ]
    return Decision(
        np.concatenate([part.rungs for part in parts]),
        np.concatenate([part.scores for part in parts]),
        "; ".join(dict.fromkeys(part.note for part in parts if part.note)),
        np.concatenate(known),
        tuple(why for part in parts for why in part.fallbacks),
        tuple(detail for part in parts for detail in part.details),
    )
