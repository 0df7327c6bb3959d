"""Where more tokens hurt: transitions of all samples and of every group, with their tests."""

from typing import NamedTuple

import numpy as np

from experiments.report.group_measures import SIGNIFICANT
from experiments.report.need_measures import FEW
from oracle.comparison import Estimate
from oracle.curves import Curves
from oracle.report import wilson
from oracle.significance import holm
from oracle.transitions import Transition, lost_at_full, transitions

ALL = "all samples"


class Step(NamedTuple):
    """From one scale to the next in one group.

    Attributes:
        group: its name, or ``ALL``.
        rung: of the smaller scale.
        found: what happens there.
        p: McNemar's test, adjusted by Holm for all steps that it is told with; NaN where a group
            is too small to be tested.
    """

    group: str
    rung: int
    found: Transition
    p: float

    @property
    def hurts(self) -> bool:
        """Whether more tokens surely cost accuracy here."""
        return self.p < SIGNIFICANT and self.found.net.high < 0

    @property
    def helps(self) -> bool:
        """Whether more tokens surely gain accuracy here."""
        return self.p < SIGNIFICANT and self.found.net.low > 0


class Harm(NamedTuple):
    """What more tokens do.

    Attributes:
        steps: of all samples, the cheapest pair of scales first.
        group_steps: of every group, groups in alphabetical order; empty for a single group.
        lost: share of samples that a smaller scale gets right and the largest wrong, by group,
            all samples first.
        sizes: samples of each of these.
    """

    steps: tuple[Step, ...]
    group_steps: tuple[Step, ...]
    lost: dict[str, Estimate]
    sizes: dict[str, int]


def measure_harm(
    curves: Curves, rng: np.random.Generator, *, threshold: float, resamples: int
) -> Harm:
    """Return what changes from scale to scale, over all samples and in every group.

    Args:
        curves: with the groups.
        rng: where resamples come from.
        threshold: score from which an answer counts as right.
        resamples: how many times samples are drawn anew.
    """
    names = np.unique(curves.groups).tolist()
    parts = {ALL: curves}
    if len(names) > 1:
        parts |= {name: curves.select(curves.groups == name) for name in names}
    found = {
        name: transitions(part, rng, threshold=threshold, resamples=resamples)
        for name, part in parts.items()
    }
    lost = {name: lost_at_full(part, threshold) for name, part in parts.items()}
    return Harm(
        steps=_tested({ALL: found.pop(ALL)}),
        group_steps=_tested(found),
        lost={name: Estimate(*wilson(float(own.mean()), len(own))) for name, own in lost.items()},
        sizes={name: len(part) for name, part in parts.items()},
    )


def _tested(found: dict[str, tuple[Transition, ...]]) -> tuple[Step, ...]:
    """Return all steps with their p adjusted for one another."""
    flat = [(name, rung, each) for name, own in found.items() for rung, each in enumerate(own)]
    p = np.full(len(flat), np.nan)
    tested = [i for i, (_, _, each) in enumerate(flat) if each.n >= FEW]
    p[tested] = holm([flat[i][2].p for i in tested])
    return tuple(Step(*each, own) for each, own in zip(flat, p.tolist(), strict=True))
