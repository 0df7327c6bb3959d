"""How much of the gap between fixed scales and the oracle policies close."""

import numpy as np

from experiments.report.assessment import Assessment
from experiments.report.expectations import measure_expectation
from experiments.report.policy_figures import draw_groups, shown_groups
from experiments.report.policy_groups import GroupGap, group_gaps
from experiments.report.policy_tables import groups_table, prices_table, range_table
from experiments.report.policy_words import no_policy_words, policy_words
from experiments.report.runs import Run
from experiments.report.section import Picture, Section

_TITLE = "How much of the gap does a policy close?"


def policy_section(
    run: Run, assessed: Assessment, rng: np.random.Generator, *, resamples: int = 1000
) -> Section:
    """Return the section on what policies reach of what an oracle could.

    Args:
        run: the oracle run, with its policies; without any the words say how to give one.
        assessed: what they reach, by :func:`experiments.report.assessment.assess`.
        rng: where the resamples of groups and expectations come from.
        resamples: how many times the samples are drawn anew; groups take a fifth.
    """
    if not run.policies:
        return Section("policy", _TITLE, no_policy_words())
    few = max(1, resamples // 5)
    groups = [g for policy in run.policies for g in group_gaps(run, policy, rng, resamples=few)]
    expected = {p.name: measure_expectation(run.curves, p, rng, few) for p in run.policies}
    words = [
        sentence
        for policy in run.policies
        for sentence in policy_words(
            run,
            assessed,
            policy,
            [group for group in groups if group.policy == policy.name],
            expected[policy.name],
        )
    ]
    pictures = (_picture(run, groups),) if len({group.group for group in groups}) > 1 else ()
    tables = (range_table(run, assessed), prices_table(run, assessed, expected))
    return Section("policy", _TITLE, tuple(words), pictures, (*tables, groups_table(run, groups)))


def _picture(run: Run, groups: list[GroupGap]) -> Picture:
    names = [policy.name for policy in run.policies]
    own = [g for g in groups if g.policy == names[0] and not np.isnan(g.closed.value)]
    seen = shown_groups(groups)
    rest = len({group.group for group in groups}) - len(seen)
    best = max(own, key=lambda g: g.closed.value).group if own else "none"
    return Picture(
        "gap_closed_by_group",
        "Share of the gap between random mix and oracle without luck that policies close within "
        "each group (number of samples in brackets), with 95 % intervals; what lies beyond the "
        "axis is in the table" + (f", and so are {rest} smaller groups." if rest else "."),
        f"{names[0]} closes most in {best}; all groups are in the table.",
        draw_groups(groups, names),
    )
