"""From the command line's flags to a way of asking the model."""

from budget.errors import DataError
from oracle.answering import GREEDY, Answering
from oracle.drawn import Drawn


def answering(rollouts: int | None, temperature: float | None, seed: int | None) -> Answering:
    """Return the way of asking that flags stand for; ``None`` is a flag that was not given.

    Args:
        rollouts: answers drawn per sample and rung.
        temperature: of drawn answers.
        seed: of drawn answers.

    Raises:
        DataError: if a flag was given without the one that it belongs to.
        ValueError: if a value is out of range.
    """
    if rollouts is not None:
        return Drawn(rollouts, 1.0 if temperature is None else temperature, seed or 0)
    for flag, value in (("--temperature", temperature), ("--seed", seed)):
        if value is not None:
            raise DataError(f"{flag} {value} needs --rollouts; without it no answer is drawn")
    return GREEDY
