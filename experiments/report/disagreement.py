"""Samples where a policy and the oracle disagree most, in both directions."""

from typing import NamedTuple

import numpy as np

from experiments.report.assessment import chosen_rungs
from experiments.report.example_choice import Part
from experiments.report.phrases import number, tokens_in_words
from experiments.report.runs import PolicyChoices
from experiments.report.section import Value
from oracle.curves import Curves
from oracle.report import wilson
from policies.allocation import IntArray
from policies.hull import FloatArray


class Disagreement(NamedTuple):
    """Where a policy chose other than the stable oracle, and what that cost.

    Attributes:
        policy: its name.
        cheap: rows where it was too cheap and scored less for that, the costliest first.
        dear: rows where fewer tokens score as well for good, the costliest first.
        cheap_share: share of all samples that ``cheap`` is.
        dear_share: share of all samples that ``dear`` is.
        score_lost: by ``cheap``, in all, per sample of the run.
        tokens_wasted: by ``dear``, in all, per sample of the run.
    """

    policy: str
    cheap: IntArray
    dear: IntArray
    cheap_share: Value
    dear_share: Value
    score_lost: float
    tokens_wasted: float


def disagree(curves: Curves, policy: PolicyChoices, needed: IntArray) -> Disagreement:
    """Return where a policy and the stable oracle disagree, at the policy's own price.

    Only samples that some scale solves for good are looked at: of others nobody knows what would
    have been right. Of errors that cost the same the one comes first that the policy was surest
    of.

    Args:
        curves: what was measured.
        policy: whose choices.
        needed: minimal rung of every sample by the stable rule, -1 for none.
    """
    chosen, n = chosen_rungs(policy), len(curves)
    rows = np.arange(n)
    best = np.where(needed >= 0, needed, 0)
    lost = curves.scores[rows, best] - curves.scores[rows, chosen]
    wasted = _tokens(curves, chosen) - _tokens(curves, best)
    solved = needed >= 0
    cheap = np.flatnonzero(solved & (chosen < needed) & (lost > 0))
    dear = np.flatnonzero(solved & (chosen > needed) & (lost >= 0) & (wasted > 0))
    sure = policy.expected[rows, chosen] - policy.expected[rows, best]
    return Disagreement(
        policy.name,
        cheap[np.lexsort((-sure[cheap], -wasted[cheap], -lost[cheap]))],
        dear[np.lexsort((-sure[dear], -wasted[dear]))],
        Value(*wilson(len(cheap) / n, n)),
        Value(*wilson(len(dear) / n, n)),
        float(lost[cheap].sum() / n),
        float(wasted[dear].sum() / n),
    )


def disagreement_parts(
    curves: Curves, policy: PolicyChoices, found: Disagreement, needed: IntArray, num: int
) -> tuple[Part, ...]:
    """Return the costliest errors of both directions, ``num`` of each at most."""
    chosen = chosen_rungs(policy)
    cheap, dear = found.cheap[:num].tolist(), found.dear[:num].tolist()
    parts = (
        Part(
            f"Policy {policy.name!r} was too cheap, and wrong",
            "Where it lost most against the scale that is enough, at its own price; of equal "
            "losses those first that the fewest more tokens would have spared.",
            tuple(cheap),
            len(found.cheap),
            tuple(_cheap_note(curves, row, chosen[row], needed[row], policy.name) for row in cheap),
        ),
        Part(
            f"Policy {policy.name!r} was too dear",
            "Where it spent most tokens beyond the scale that is enough, at its own price.",
            tuple(dear),
            len(found.dear),
            tuple(_dear_note(curves, row, chosen[row], needed[row], policy.name) for row in dear),
        ),
    )
    return tuple(part for part in parts if part.rows)


def _tokens(curves: Curves, rungs: IntArray) -> FloatArray:
    return curves.num_visual_tokens[np.arange(len(curves)), rungs].astype(np.float64)


def _cheap_note(curves: Curves, row: int, chosen: int, needed: int, name: str) -> str:
    spent, enough = (float(curves.num_visual_tokens[row, rung]) for rung in (chosen, needed))
    lost = curves.scores[row, needed] - curves.scores[row, chosen]
    return (
        f"{name} spent {tokens_in_words(spent)}; {number(enough)} would have been enough. "
        f"Score lost: {lost:.3g}."
    )


def _dear_note(curves: Curves, row: int, chosen: int, needed: int, name: str) -> str:
    spent, enough = (float(curves.num_visual_tokens[row, rung]) for rung in (chosen, needed))
    return (
        f"{name} spent {tokens_in_words(spent)}; {number(enough)} would have been enough. Tokens "
        f"too many: {number(spent - enough)}."
    )
