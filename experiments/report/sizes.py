"""A page below the size that mail and browsers take: pictures of examples give way."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from budget.errors import DataError
from experiments.report.chapters import Chapter
from experiments.report.example_words import FOR_SIZE

LIMIT = 20_000_000
_SPARE = 4_000  # of what a note on the size takes itself

# Bytes that examples may take -> the chapters with these examples.
WithExamples = Callable[[int], Sequence[Chapter]]
Render = Callable[[Sequence[Chapter], Sequence[str]], str]


class Fitted(NamedTuple):
    """A page within the limit.

    Attributes:
        page: the page.
        chapters: what it shows.
        notes: what was left out for its size, a sentence each.
    """

    page: str
    chapters: Sequence[Chapter]
    notes: tuple[str, ...]


def fitting_page(
    plain: Sequence[Chapter], with_examples: WithExamples, render: Render, limit: int = LIMIT
) -> Fitted:
    """Return the page with as many and as large examples as fit.

    Args:
        plain: the chapters without examples.
        with_examples: gives them with examples of at most so many bytes of page.
        render: chapters and notes to a page.
        limit: bytes of the page.

    Raises:
        DataError: if the page is too large without any example.
    """
    least = _size(render(plain, ()))
    if least > limit - _SPARE:
        raise DataError(
            f"the page would take {_megabytes(least)} without any example, more than "
            f"{_megabytes(limit)}; report fewer runs at once"
        )
    first = room = limit - _SPARE - least
    while room > _SPARE:
        chapters = with_examples(room)
        notes = _left_out(chapters) or (() if room == first else (_note(limit),))
        page = render(chapters, notes)
        if _size(page) <= limit:
            return Fitted(page, chapters, notes)
        room //= 2
    notes = (f"Examples were left out: the page is kept below {_megabytes(limit)}.",)
    return Fitted(render(plain, notes), plain, notes)


def _left_out(chapters: Sequence[Chapter]) -> tuple[str, ...]:
    """Return what sections say that they left out for the page's size."""
    return tuple(
        f"{chapter.title}: {word}" if chapter.title else word
        for chapter in chapters
        for section in chapter.sections
        for word in section.words
        if word.startswith(FOR_SIZE)
    )


def _size(page: str) -> int:
    return len(page.encode())


def _note(limit: int) -> str:
    return (
        "Pictures of examples were made fewer or smaller: the page is kept below "
        f"{_megabytes(limit)}."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g} MB"
