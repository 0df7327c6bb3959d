"""Which groups need more tokens, in sentences."""

from collections.abc import Sequence

from experiments.report.group_measures import GroupNeed
from experiments.report.need_measures import FEW
from experiments.report.need_words import saturation_phrase
from experiments.report.phrases import count, listed, points
from experiments.report.section import Value

_LISTED = 8  # groups that a sentence names one by one


def group_words(groups: Sequence[GroupNeed], grouped_by: str) -> tuple[str, ...]:
    """Return the answer in sentences, the most important first.

    Args:
        groups: most needed tokens first.
        grouped_by: where groups come from, in words.
    """
    if len(groups) == 1:
        return (
            f"That cannot be told: all {count(groups[0].need.n, 'sample')} are in one group, "
            f"{groups[0].name!r} (groups come from {grouped_by}). Groups can be taken from a "
            f"column (--groups column:NAME) or from clusters of the questions (--groups clusters).",
        )
    words = [_order(groups, grouped_by), *_told_apart(groups)]
    if few := [group for group in groups if group.need.n < FEW]:
        words.append(
            f"{count(len(few), 'group has', 'groups have')} under {FEW} samples, too few to say "
            f"anything of: {listed([repr(group.name) for group in few], at_most=_LISTED)}."
        )
    if none := [group for group in groups if not group.need.any_right]:
        words.append(
            f"No scale gets anything right in {listed([repr(g.name) for g in none], at_most=8)}."
        )
    return tuple(words)


def _order(groups: Sequence[GroupNeed], grouped_by: str) -> str:
    known = [group for group in groups if group.need.any_right and group.need.n >= FEW]
    if not known:
        return f"That cannot be told of these {count(len(groups), 'group')} (from {grouped_by})."
    phrases = [f"{group.name!r} {saturation_phrase(group.need)}" for group in known]
    if len(known) <= _LISTED:
        return (
            f"Saturation points with 95 % intervals, from most to fewest tokens (groups from "
            f"{grouped_by}): {'; '.join(phrases)}."
        )
    return (
        f"Of {count(len(known), 'group')} (from {grouped_by}), by saturation point with 95 % "
        f"intervals, most tokens are needed by {'; '.join(phrases[:3])}; fewest by "
        f"{'; '.join(phrases[-3:])}."
    )


def _told_apart(groups: Sequence[GroupNeed]) -> list[str]:
    tested = [group for group in groups if group.p == group.p]  # NaN: too few samples
    if not tested or not any(group.need.any_right for group in groups):
        return []
    measure = (
        "What is at stake in a group is the accuracy of its largest scale less its average over "
        "the axis of log tokens."
    )
    more = [group for group in tested if group.more]
    less = [group for group in tested if group.less]
    allowed = f"allowing for {count(len(tested), 'comparison')} (95 %, Holm)"
    if not more and not less:
        return [
            f"{measure} By that no group can be told from the other samples, {allowed}, so the "
            f"order above may be chance."
        ]
    words = f"{measure} Compared with all other samples, {allowed}:"
    parts = [_named(found, word) for found, word in ((more, "more"), (less, "less")) if found]
    if same := [repr(group.name) for group in tested if not group.more and not group.less]:
        parts.append(f"no clear difference in {listed(same, at_most=_LISTED)}")
    return [f"{words} {'; '.join(parts)}."]


def _named(found: list[GroupNeed], word: str) -> str:
    found = sorted(found, key=lambda group: -abs(group.against_others.value))
    each = [f"{group.name!r} by {_difference(group)}" for group in found]
    return f"{word} is at stake in {listed(each, at_most=_LISTED)}"


def _difference(group: GroupNeed) -> str:
    value, low, high = group.against_others
    if value < 0:
        return points(Value(-value, -high, -low))
    return points(Value(value, low, high))
