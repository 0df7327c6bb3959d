"""One sentence that says why a request was given its scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from policies.reasons import listed

if TYPE_CHECKING:
    from policies.contributions import GroupContribution

FEWEST_BITS = 0.05  # log2 tokens under which a group of features is not worth a word
_COUNTS = 0.15  # share of all that pulls the same way from which on a group is worth a word
_MOST = 3  # groups that are named


def sentence_of(
    tokens: int, usual: int, common: bool, groups: "Sequence[GroupContribution]"
) -> str:
    """Return the sentence, without a full stop.

    Args:
        tokens: the scale chosen.
        usual: the scale that typical requests are given on average.
        common: whether many of them are given just that one.
        groups: largest contributions first.
    """
    more, fewer = _worth_a_word(groups, 1), _worth_a_word(groups, -1)
    if tokens == usual:
        known = "as is usual" if common else "about what typical requests get on average"
        return f"{tokens_in_words(tokens)}, {known}{_either_way(more, fewer)}"
    rather = " rather than the usual {}" if common else ", where typical requests get about {}"
    reasons = more if tokens > usual else fewer
    return f"{tokens_in_words(tokens)}{rather.format(usual)}{_because(reasons)}"


def tokens_in_words(tokens: int) -> str:
    """Return a number of tokens.

    Example:
        >>> tokens_in_words(1), tokens_in_words(36)
        ('1 token', '36 tokens')
    """
    return f"{tokens} token" if tokens == 1 else f"{tokens} tokens"


def _worth_a_word(groups: "Sequence[GroupContribution]", way: int) -> "list[GroupContribution]":
    """Return the groups that pull one way, up to three that matter most."""
    pulling = [each for each in groups if each.log2_tokens * way >= FEWEST_BITS]
    total = sum(abs(each.log2_tokens) for each in pulling)
    return [each for each in pulling if abs(each.log2_tokens) >= _COUNTS * total][:_MOST]


def _because(groups: "Sequence[GroupContribution]") -> str:
    """Return claims after a colon; groups that nothing is claimed of are named after them."""
    claims = "; ".join(each.claim for each in groups if each.claim)
    others = listed([each.words for each in groups if not each.claim])
    if not others:
        return f": {claims}" if claims else ""
    return f": {claims}; also because of {others}" if claims else f", because of {others}"


def _either_way(more: "Sequence[GroupContribution]", fewer: "Sequence[GroupContribution]") -> str:
    """Return what matters most on either side, in brackets."""
    sides = {"more": more, "fewer": fewer}
    named = [f"for {side} tokens: {g[0].claim or g[0].words}" for side, g in sides.items() if g]
    return f" ({'; '.join(named)})" if named else ""
