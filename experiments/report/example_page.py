"""Examples as HTML: what a browser shows of them, with filters."""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from experiments.report.example_cards import Card, card_of, context_of, filters_of
from experiments.report.example_choice import Part
from experiments.report.phrases import count
from experiments.report.runs import Run
from experiments.report.templates import read_template
from experiments.report.thumbnails import Album
from policies.allocation import IntArray

if TYPE_CHECKING:
    from jinja2 import Template


class Shown(NamedTuple):
    """What is shown.

    Attributes:
        parts: the samples.
        needed: minimal rung of every sample, -1 for none.
        album: pictures of the samples.
        size: longest side and quality of thumbnails; None shows no pictures.
        threshold: score from which an answer counts as right.
    """

    parts: tuple[Part, ...]
    needed: IntArray
    album: Album
    size: tuple[int, int] | None
    threshold: float

    @property
    def rows(self) -> set[int]:
        """The samples, each once."""
        return {row for part in self.parts for row in part.rows}


class _ShownPart(NamedTuple):
    """A part as the page shows it."""

    title: str
    why: str
    shown: str
    of: str
    cards: tuple[Card, ...]


def render_examples(run: Run, shown: Shown) -> str:
    """Return the HTML of examples: safe, whatever questions and answers hold.

    Args:
        run: the oracle run.
        shown: which samples, and how large their pictures are.
    """
    context = context_of(run, shown.needed, shown.threshold)
    parts = [
        _ShownPart(
            part.title,
            part.why,
            f"{len(part.rows):,}",
            count(part.of, "sample"),
            tuple(
                card_of(
                    context,
                    row,
                    note=note,
                    links=_links(shown, row),
                    pictures_note=_note(shown, row),
                    part=i,
                )
                for row, note in zip(part.rows, part.notes, strict=True)
            ),
        )
        for i, part in enumerate(shown.parts)
    ]
    cards = [card for part in parts for card in part.cards]
    return _template().render(
        parts=parts,
        filters=filters_of(run, [part.title for part in parts], cards),
        soft=any(answer.score for card in cards for answer in card.answers),
    )


def _links(shown: Shown, row: int) -> tuple[str, ...]:
    return () if shown.size is None else shown.album.links(row, shown.size)


def _note(shown: Shown, row: int) -> str:
    """Return what is to be said of a sample's pictures."""
    if shown.size is None:
        return ""
    own = shown.album.pictures(row)
    if own.problem:
        return f"The image cannot be shown: {own.problem}"
    if own.more:
        return f"{count(own.more, 'more image')} not shown."
    return "" if own.images else "This sample has no image."


@cache
def _template() -> "Template":
    return read_template("examples")
