"""What an interval allows to be said."""

import math

from experiments.report.phrases import count
from experiments.report.section import Value

NO_VALUE = Value(math.nan, math.nan, math.nan)
FEW = 30  # samples of which a bootstrap is not to be trusted


def around(value: float, low: float, high: float) -> Value:
    """Return a value whose interval holds it.

    The percentiles of what is biased under resampling, a ratio or an error, can leave it outside.

    Example:
        >>> around(0.2, 0.3, 0.5)
        Value(value=0.2, low=0.2, high=0.5)
    """
    return Value(value, min(low, value), max(high, value))


def negative(value: Value) -> Value:
    """Return a difference the other way round.

    Example:
        >>> negative(Value(-0.5, -0.75, 0.25))
        Value(value=0.5, low=-0.25, high=0.75)
    """
    return Value(-value.value, -value.high, -value.low)


def sign(value: Value) -> int:
    """Return 1 or -1 where the whole interval lies above or under 0, else 0; 0 for NaN too.

    Example:
        >>> sign(Value(0.02, 0.01, 0.03)), sign(Value(0.02, -0.01, 0.05)), sign(NO_VALUE)
        (1, 0, 0)
    """
    return int(value.low > 0) - int(value.high < 0)


def known(value: Value) -> bool:
    """Return whether there is such a number."""
    return not math.isnan(value.value)


def more_or_less(value: Value, *, better: str, worse: str, same: str) -> str:
    """Return what may be said of a difference.

    Example:
        >>> words = {"better": "more", "worse": "fewer", "same": "cannot be told apart"}
        >>> more_or_less(Value(0.02, -0.01, 0.05), **words)
        'cannot be told apart'
    """
    return {1: better, -1: worse, 0: same}[sign(value)]


def few_samples(n: int) -> tuple[str, ...]:
    """Return a warning where samples are so few that a bootstrap promises too much."""
    if n >= FEW:
        return ()
    return (
        f"All this rests on {count(n, 'sample')}: intervals of so few are too narrow to be "
        "trusted.",
    )
