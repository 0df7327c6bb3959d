"""Numbers in words, as all sections of a report write them."""

from collections.abc import Sequence

from experiments.report.section import Value
from oracle.curves import Curves
from policies.reasons import listed as and_list


def percent(value: Value) -> str:
    """Return a share or an accuracy with its interval.

    Example:
        >>> percent(Value(0.916, 0.909, 0.9231))
        '91.6 % (90.9 to 92.3)'
    """
    return f"{100 * value.value:.1f} % ({100 * value.low:.1f} to {100 * value.high:.1f})"


def points(value: Value) -> str:
    """Return a difference of accuracies with its interval, in points.

    Example:
        >>> points(Value(0.01, -0.002, 0.021)), points(Value(-0.5, -0.6, -0.4))
        ('1.0 points (-0.2 to 2.1)', '-50.0 points (-60.0 to -40.0)')
    """
    value_, low, high = (_tidy(100 * each) for each in value)
    return f"{value_} points ({low} to {high})"


def count(number: int, noun: str, many: str | None = None) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "token"), count(6000, "sample"), count(2, "query", "queries")
        ('1 token', '6,000 samples', '2 queries')
    """
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def listed(parts: Sequence[str], *, at_most: int = 20) -> str:
    """Return a list in a sentence; what is beyond ``at_most`` is counted.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], at_most=2)
        ('a', 'a, b and c', 'a, b and 2 more')
    """
    shown = list(parts)
    if len(shown) > at_most:
        shown = [*shown[:at_most], f"{len(parts) - at_most} more"]
    return and_list(shown)


def p_words(p: float) -> str:
    """Return a p.

    Example:
        >>> p_words(0.0314), p_words(1e-9)
        ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def tokens_in_words(tokens: float) -> str:
    """Return a number of visual tokens.

    Example:
        >>> tokens_in_words(1.0), tokens_in_words(36.0), tokens_in_words(31.24)
        ('1 token', '36 tokens', '31.2 tokens')
    """
    text = number(tokens)
    return f"{text} token{'' if text == '1' else 's'}"


def number(tokens: float) -> str:
    """Return tokens without a noun: whole where they are whole, else with one decimal.

    Example:
        >>> number(144.0), number(31.24), number(1200.0)
        ('144', '31.2', '1,200')
    """
    return f"{tokens:,.0f}" if abs(tokens - round(tokens)) < 0.05 else f"{tokens:,.1f}"


def samples_of(curves: Curves) -> str:
    """Return how many samples there are, e.g. ``"6,000 samples"``."""
    return count(len(curves), "sample")


def _tidy(number_: float) -> str:
    text = f"{number_:.1f}"
    return text.replace("-0.0", "0.0") if float(text) == 0 else text
