"""Prices in money that a user gives; none are guessed."""

from collections.abc import Mapping
from typing import NamedTuple

from budget.errors import DataError
from experiments.report.saving_measures import MS, TOKENS, Spent
from experiments.report.section import Value

_MS_AN_HOUR = 3_600_000
REQUESTS = 1000


class Money(NamedTuple):
    """What visual tokens, or a machine's time, cost in dollars; one of the two.

    Attributes:
        per_million_tokens: dollars for a million visual tokens.
        per_hour: dollars for an hour of the machine that the milliseconds were measured on.
    """

    per_million_tokens: float | None = None
    per_hour: float | None = None


def checked(money: Money) -> Money:
    """Return prices that can be used.

    Raises:
        DataError: if not exactly one is given, or it is not a number above 0.
    """
    given = [price for price in money if price is not None]
    if len(given) != 1 or not 0 < given[0] < float("inf"):
        raise DataError(
            "money needs one price above 0, per million visual tokens or per hour, got "
            f"{money.per_million_tokens} and {money.per_hour}"
        )
    return money


def dollars_saved(spent: Mapping[str, Spent], money: Money) -> tuple[float, Value] | None:
    """Return dollars at the full scale and dollars saved, per 1,000 requests.

    Returns:
        None where what is paid for was not measured.

    Example:
        >>> spent = {"tokens": Spent(144.0, Value(100.0, 90.0, 110.0), Value(0.7, 0.6, 0.8))}
        >>> dollars_saved(spent, Money(per_million_tokens=10.0))
        (1.44, Value(value=1.0, low=0.9, high=1.1))
    """
    kind, price = (
        (TOKENS, (money.per_million_tokens or 0.0) / 1e6)
        if money.per_million_tokens is not None
        else (MS, (money.per_hour or 0.0) / _MS_AN_HOUR)
    )
    if kind not in spent:
        return None
    each = REQUESTS * price
    return each * spent[kind].full, Value(*(each * x for x in spent[kind].saved))
