"""From the command line's flags to a way of asking the model."""

from budget.errors import DataError
from oracle.answering import GREEDY, Answering
from oracle.closed import Closed
from oracle.drawn import Drawn
from oracle.greedy_split import GreedySplit

IMAGE_SPLITS = ("uniform", "greedy")
_FORMS = {"choice": "letters", "yes_no": "yes-no"}  # of scorers; others compare words


def answering(
    scorer: str,
    *,
    rollouts: int | None,
    temperature: float | None,
    seed: int | None,
    closed: bool,
    choices: str | None,
    normalise_length: bool,
    image_split: str = "uniform",
) -> Answering:
    """Return the way of asking that flags stand for; ``None`` is a flag that was not given.

    Args:
        scorer: decides what the choices are where ``choices`` does not.
        rollouts: answers drawn per sample and rung.
        temperature: of drawn answers.
        seed: of drawn answers.
        closed: whether the likeliest of given choices is the answer.
        choices: see ``oracle.closed``.
        normalise_length: see ``oracle.closed``.
        image_split: of ``IMAGE_SPLITS``; see ``oracle.greedy_split``.

    Raises:
        DataError: if a flag was given without the one that it belongs to, or two that exclude
            each other.
        ValueError: if a value is out of range.
    """
    if image_split not in IMAGE_SPLITS:
        legal = " or ".join(IMAGE_SPLITS)
        raise DataError(f"--image-split must be {legal}, got {image_split!r}")
    if image_split == "greedy" and (closed or rollouts is not None):
        other = "--closed" if closed else f"--rollouts {rollouts}"
        raise DataError(f"--image-split greedy judges single greedy answers, so no {other}")
    if closed and rollouts is not None:
        raise DataError(f"--rollouts {rollouts} draws answers and --closed draws none; give one")
    lone = [
        f"{flag} belongs to {home}, which was not given"
        for flag, home, given, there in (
            ("--temperature", "--rollouts", temperature is not None, rollouts is not None),
            ("--seed", "--rollouts", seed is not None, rollouts is not None),
            ("--choices", "--closed", choices is not None, closed),
            ("--normalise-length", "--closed", normalise_length, closed),
        )
        if given and not there
    ]
    if lone:
        raise DataError("; ".join(lone))
    if rollouts is not None:
        return Drawn(rollouts, 1.0 if temperature is None else temperature, seed or 0)
    if closed:
        return Closed(choices or _FORMS.get(scorer, "words"), normalise_length)
    return GreedySplit() if image_split == "greedy" else GREEDY
