"""What an importance table says, in sentences that claim no more than its intervals allow."""

from collections.abc import Sequence

import numpy as np

from policies.importance import Importance, ImportanceTable
from policies.reasons import listed
from policies.shuffling import Estimate


def in_words(policy: str, table: ImportanceTable) -> tuple[str, ...]:
    """Return what matters to a policy's choices, most important first.

    Args:
        policy: its name.
        table: of its groups of features.
    """
    moving = [each for each in table.groups if each.changed.value > 0]
    still = [each.words for each in table.groups if each.changed.value == 0]
    if not moving:
        still_all = (
            f"Shuffling any group of features among {table.num_samples:,} samples changes none of "
            f"the choices of {policy} at price {table.price:.3g}: nothing it sees moves them."
        )
        matters = any(each.gap_lost.low > 0 for each in table.groups)
        return (still_all, _lost(table)) if matters else (still_all,)
    said = [_first(policy, table, moving)]
    if len(moving) > 1:
        said.append(_next(moving))
    said.append(_lost(table))
    if still:
        said.append(
            f"Shuffling {listed(still)} changes no choice: either nothing differs there between "
            "the samples, or the policy does not look."
        )
    return tuple(said)


def _first(policy: str, table: ImportanceTable, moving: Sequence[Importance]) -> str:
    first = moving[0]
    rivals = [each.words for each in moving[1:] if each.moved.high > first.moved.low]
    named = [*rivals[:2], "others"] if len(rivals) > 2 else rivals
    tie = f", though not surely more than {' or '.join(named)}" if rivals else ""
    return (
        f"The choices of {policy} at price {table.price:.3g} are moved most by {first.words}{tie}: "
        f"shuffling that among {table.num_samples:,} samples gives {_percent(first.changed)} of "
        f"them another scale and changes visual tokens by a factor of {_factor(first.moved)} on "
        "average, up or down."
    )


def _next(moving: Sequence[Importance]) -> str:
    others = [f"{each.words} (by a factor of {_factor(each.moved)})" for each in moving[1:4]]
    return f"Next {'comes' if len(others) == 1 else 'come'} {listed(others)}."


def _lost(table: ImportanceTable) -> str:
    """Say what shuffling costs, of the groups whose interval holds no gain."""
    by_gap = sorted(table.groups, key=lambda each: -each.gap_lost.value)
    sure = [each for each in by_gap if each.gap_lost.low > 0]
    if np.isnan(table.gap_closed):
        return "The oracle gains nothing over fixed scales here, so there is no gap to lose."
    closed = f"{100 * table.gap_closed:.1f} % of the gap to the oracle that the policy closes"
    if not sure:
        return f"No group by itself is shown to be needed for the {closed} on these samples."
    words = listed([f"{each.words} {_points(each.gap_lost)}" for each in sure[:3]])
    costly = [each.words for each in table.groups if each.utility_lost.low > 0]
    at_price = (
        f"at this price alone, a loss is seen for {listed(costly)}"
        if costly
        else "at this price alone, no group's loss can be told from none"
    )
    return f"Of the {closed} over all prices, shuffling costs, in points: {words}; {at_price}."


def _percent(found: Estimate) -> str:
    value, low, high = (100 * number for number in found)
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def _points(found: Estimate) -> str:
    value, low, high = (100 * number for number in found)
    return f"{value:.1f} ({low:.1f} to {high:.1f})"


def _factor(found: Estimate) -> str:
    value, low, high = (2.0**number for number in found)
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
