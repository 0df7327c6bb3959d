"""A table divided into what is fitted on, what prices are found on, and what is held out."""

import hashlib
from typing import NamedTuple

import numpy as np

from budget.errors import DataError
from policies.option_table import OptionTable


class Shares(NamedTuple):
    """How samples are divided; what a share does not get is not used.

    Attributes:
        fit: fraction that policies are fitted on.
        calibration: fraction that prices are found on.
        test: fraction that is evaluated on.
        seed: of the division.
    """

    fit: float = 0.6
    calibration: float = 0.15
    test: float = 0.25
    seed: int = 0


class SplitTable(NamedTuple):
    """Three tables without a common key, options in one order."""

    fit: OptionTable
    calibration: OptionTable
    test: OptionTable


def split_table(table: OptionTable, shares: Shares) -> SplitTable:
    """Divide a table by its keys, options ordered by their mean costs in the fit share.

    Which share a sample is in depends on its key and the seed alone: not on the other samples, so
    that what was fitted on stays apart from what is tested on when a file grows, shrinks or is
    sorted anew, and a prompt that is there twice is never on both sides.

    Raises:
        DataError: if the fractions are not in (0, 1) or sum to more than 1, or a share is empty.
    """
    fractions = (shares.fit, shares.calibration, shares.test)
    if not (min(fractions) > 0 and sum(fractions) <= 1 + 1e-9):
        raise DataError(
            "shares of fit, calibration and test must be above 0 and at most 1 in sum, "
            f"got {', '.join(f'{part:g}' for part in fractions)}"
        )
    places = np.array([_place(key, shares.seed) for key in table.keys])
    which = np.searchsorted(np.cumsum(fractions), places, side="right")
    parts = [np.flatnonzero(which == share) for share in range(3)]
    sizes = ", ".join(
        f"{len(rows)} for {name}" for name, rows in zip(SplitTable._fields, parts, strict=True)
    )
    if not all(len(rows) for rows in parts):
        raise DataError(
            f"{len(table)} samples of {len(set(table.keys))} different texts are too few to be "
            f"divided: {sizes}; give more samples, other shares or another seed"
        )
    fit = table.select(parts[0]).cheapest_first()
    others = (table.select(rows).with_options(fit.options) for rows in parts[1:])
    return SplitTable(fit, *others)


def _place(key: str, seed: int) -> float:
    """Return a number in [0, 1) that a text and a seed always lead to."""
    digest = hashlib.blake2b(f"{seed}\n{key}".encode(errors="surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest()[:6]) / 2**48


def parse_shares(text: str, seed: int = 0) -> Shares:
    """Return what a text such as "0.6,0.15,0.25" says of fit, calibration and test.

    Raises:
        DataError: if it is not three numbers.

    Example:
        >>> parse_shares("0.5, 0.2, 0.3", seed=7)
        Shares(fit=0.5, calibration=0.2, test=0.3, seed=7)
    """
    try:
        fit, calibration, test = (float(part) for part in text.split(","))
    except ValueError:
        raise DataError(
            f"shares must be three numbers, such as 0.6,0.15,0.25, got {text!r}"
        ) from None
    return Shares(fit, calibration, test, seed)
