"""Relaxed accuracy: numbers may be 5 % off, everything else must be said as it is.

Masry et al. 2022 ("ChartQA", section 5.1). The code that published figures come from reads
``"50%"`` as 0.5 and any other number as Python's ``float`` does. Here as well, but for these:
thousands separators are read, a right value of 0 can be met by ``"0.0"``, and ``nan`` and ``inf``
are words.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from oracle.normalise import plain_signs

_NUMBER = re.compile(
    r"[-+]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:e[-+]?[0-9]{1,3})?\s?%?"
)
_LONGEST_NUMBER = 64
_YEAR = re.compile(r"1[5-9][0-9]{2}|20[0-9]{2}|2100")


def relaxed(text: str, answers: Sequence[str]) -> float:
    """Return 1 if ``text`` is a number within 5 % of an answer, or equals one but for case.

    5 % of the right value, the bound included; a right value of 0 must be met exactly; ``"50%"``
    means 0.5. A year is a number as well, so that 2019 passes for 2018: where years are asked for,
    use ``relaxed_years``.

    Example:
        >>> relaxed("105", ["100"]), relaxed("106", ["100"]), relaxed("Asia", ["asia"])
        (1.0, 0.0, 1.0)
    """
    return float(any(_matches(text, answer) for answer in answers))


def relaxed_years(text: str, answers: Sequence[str]) -> float:
    """Return ``relaxed``, except that a year must be met exactly.

    A year is an answer of four digits, 1500 to 2100, with no sign, separator or point (the rule of
    Masry et al. 2025, "ChartQAPro", which knows from its data what is a year).

    Example:
        >>> relaxed_years("2019", ["2018"]), relaxed("2019", ["2018"]), relaxed_years("98", ["99"])
        (0.0, 1.0, 1.0)
    """
    return float(any(_matches(text, answer, exact_years=True) for answer in answers))


def read_number(text: str) -> Decimal | None:
    """Return the number that ``text`` is, or None; ``"50%"`` is 0.5, ``"1,200"`` is 1200.

    A decimal, so that 0.95 against 1 is 5 % and not a hair more. Longer than 64 characters is no
    number, nor is one with a unit.

    Example:
        >>> read_number("-1,200.5"), read_number("5 %"), read_number("1e3"), read_number("5 km")
        (Decimal('-1200.5'), Decimal('0.05'), Decimal('1E+3'), None)
    """
    plain = plain_signs(text.strip())
    if len(plain) > _LONGEST_NUMBER or not _NUMBER.fullmatch(plain):
        return None
    value = Decimal(plain.rstrip("% ").replace(",", ""))
    return value / 100 if plain.endswith("%") else value


def _matches(text: str, answer: str, exact_years: bool = False) -> bool:
    given, right = read_number(text), read_number(answer)
    if given is not None and right is not None:
        if exact_years and _YEAR.fullmatch(answer.strip()):
            return given == right
        return abs(given - right) <= abs(right) * Decimal("0.05")
    plain = " ".join(text.casefold().split())
    return bool(plain) and plain == " ".join(answer.casefold().split())
