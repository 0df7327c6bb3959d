"""How much of the gap a policy closes, in sentences."""

from collections.abc import Sequence

from experiments.report.assessment import Assessment, named_prices
from experiments.report.expectations import Expectation
from experiments.report.phrases import percent, points, tokens_in_words
from experiments.report.policy_groups import GroupGap
from experiments.report.policy_tables import figure
from experiments.report.runs import PolicyChoices, Run
from experiments.report.section import Value
from experiments.report.verdicts import FEW, few_samples, known, more_or_less, negative, sign
from policies.rules import PER_GROUP

_HELD_OUT = {
    True: "None of these samples is among the fit curves given; if policy {name!r} was fitted on "
    "those, it has seen none of these.",
    False: "Some of these samples were used to fit policy {name!r}: its figures are too good, and "
    "samples that it has not seen will tell less of it.",
    None: "It is not known whether policy {name!r} was fitted on some of these samples; if it was, "
    "its figures are too good.",
}


def no_policy_words() -> tuple[str, ...]:
    """Return what is said where there is no policy."""
    return (
        "No policy was given, so nothing can be said of one. Fit one with `budget policy fit` on "
        "other samples than these, and give its folder, or the name of a shipped one, with "
        "`--policy`.",
    )


def policy_words(
    run: Run,
    assessed: Assessment,
    policy: PolicyChoices,
    groups: Sequence[GroupGap],
    expected: Expectation,
) -> tuple[str, ...]:
    """Return the answer for one policy in sentences, the most important first.

    Args:
        run: the oracle run.
        assessed: what everything reaches.
        policy: of which is told.
        groups: what it does in each group.
        expected: what it expects of its choices.
    """
    return (
        _closed(assessed, policy.name),
        *_per_group(assessed, policy.name),
        *_at_price(assessed, policy),
        *_groups(groups),
        _expects(policy, expected),
        _HELD_OUT[policy.held_out].format(name=policy.name),
        *few_samples(len(run.curves)),
    )


def _closed(assessed: Assessment, name: str) -> str:
    stable, subject = figure(assessed, name, "gap_closed_stable"), f"Policy {name!r}"
    if not known(stable):
        return f"{subject} has no gap to close: the oracle gains nothing over fixed scales."
    told = more_or_less(
        stable,
        better=f"{subject} closes {percent(stable)} of the gap",
        worse=f"{subject} is worse than choosing at random: it closes {percent(stable)} of the gap",
        same=f"{subject} cannot be told from choosing at random: it closes {percent(stable)} of "
        "the gap",
    )
    with_luck = figure(assessed, name, "gap_closed_any")
    return (
        f"{told} between the best random mix of fixed scales and the oracle without luck (rule "
        f"stable), all budgets taken together; of the gap to the oracle that luck helps (any "
        f"correct) it is {percent(with_luck)}."
    )


def _per_group(assessed: Assessment, name: str) -> tuple[str, ...]:
    if PER_GROUP not in assessed.paths:
        return (
            "Whether one fixed scale per group would do as well cannot be told: there are no other "
            "curves of these groups to learn it from (`--fit-curves`).",
        )
    base = figure(assessed, PER_GROUP, "gap_closed_stable")
    more = figure(assessed, name, "gap_closed_stable_over_per_group")
    if not known(more):
        return ()
    told = more_or_less(
        more,
        better=f"policy {name!r} closes {_percentage_points(more)} more",
        worse=f"policy {name!r} closes {_percentage_points(negative(more))} less",
        same=f"the difference to policy {name!r}, {_percentage_points(more)}, cannot be told from "
        "none",
    )
    return (
        f"One fixed scale per group, which needs the group to be known, closes {percent(base)}: "
        f"{told}.",
    )


def _percentage_points(value: Value) -> str:
    return points(value).replace(" points", " percentage points")


def _at_price(assessed: Assessment, policy: PolicyChoices) -> tuple[str, ...]:
    name = next(iter(named_prices(policy)))
    accuracy, tokens, lost, lead, closed = (
        figure(assessed, policy.name, f"{name}_{metric}")
        for metric in (
            "accuracy",
            "tokens",
            "accuracy_lost",
            "over_random_mix",
            "gap_closed_stable",
        )
    )
    against_full = more_or_less(
        lost,
        better=f"{points(lost)} less than the full scale",
        worse=f"{points(negative(lost))} more than the full scale",
        same=f"which cannot be told from the full scale's (it loses {points(lost)})",
    )
    against_mix = more_or_less(
        lead,
        better=f"{points(lead)} above the best random mix of fixed scales at the same tokens",
        worse=f"{points(negative(lead))} below the best random mix at the same tokens",
        same=f"{points(lead)} against the best random mix at the same tokens, from which it cannot "
        "be told apart",
    )
    share = (
        f" There it closes {percent(closed)} of the gap at equal tokens."
        if known(closed) and sign(closed)
        else ""
    )
    return (
        f"At its price {name!r}, policy {policy.name!r} reaches {percent(accuracy)} with "
        f"{tokens_in_words(tokens.value)} a sample, {against_full}; that is {against_mix}.{share}",
    )


def _groups(groups: Sequence[GroupGap]) -> tuple[str, ...]:
    """Say where the policy closes most and least, where intervals allow it."""
    large = [g for g in groups if g.n >= FEW and known(g.closed)]
    told = sorted(large, key=lambda g: -g.closed.value)
    if len(told) < 2:
        return ()
    most, least = told[0], told[-1]
    apart = most.closed.low > least.closed.high
    of = f"the groups of at least {FEW} samples" if len(large) < len(groups) else "the groups"
    first = (
        f"Within {of} it closes most in {most.group}, {percent(most.closed)}, and least in "
        f"{least.group}, {percent(least.closed)}"
        + (". " if apart else "; these cannot be told apart. ")
    )
    none = [g.group for g in told if sign(g.closed) < 1]
    rest = (
        f"In {len(none)} of these {len(told)} it cannot be told from the random mix or is worse."
        if none
        else "In each of them it is better than the random mix."
    )
    return (first + rest,)


def _expects(policy: PolicyChoices, expected: Expectation) -> str:
    told = more_or_less(
        expected.over,
        better=f"promises {points(expected.over)} too much",
        worse=f"promises {points(negative(expected.over))} too little",
        same=f"is right on average (it differs by {points(expected.over)})",
    )
    return (
        f"At the scales that it chooses, policy {policy.name!r} expects an accuracy of "
        f"{percent(expected.expected)} and {told}; its calibration error is "
        f"{points(expected.error)}."
    )
