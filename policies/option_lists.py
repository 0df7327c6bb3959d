"""Options that hold several values with commas between."""

import math

from budget.errors import DataError


def names_of(text: str) -> tuple[str, ...]:
    """Return the words of a list with commas.

    Example:
        >>> names_of("things, density"), names_of("")
        (('things', 'density'), ())
    """
    return tuple(word.strip() for word in text.split(",") if word.strip())


def numbers_of(flag: str, text: str) -> tuple[float, ...]:
    """Return the numbers of a list with commas.

    Args:
        flag: name of the option, for the error.
        text: what was given.

    Raises:
        DataError: if one is not a finite number.

    Example:
        >>> numbers_of("--budgets", "4,16")
        (4.0, 16.0)
    """
    found = []
    for word in names_of(text):
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise DataError(f"{flag} takes numbers with commas between, got {word!r} in {text!r}")
        found.append(number)
    return tuple(found)
