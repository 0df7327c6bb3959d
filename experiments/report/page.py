"""A report as one HTML page that needs nothing beside itself: no network, no files."""

import csv
import io
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from experiments.report.cells import csv_header, csv_rows, show
from experiments.report.chapters import Chapter
from experiments.report.section import Table, Value
from experiments.report.templates import read_template

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_MOST_ROWS = 30  # of a table that is not folded away
_MOST_BESIDE = 5  # columns with intervals beside their numbers


class Heading(NamedTuple):
    """What stands at the top of a page.

    Attributes:
        title: of the report.
        about: one line on what it was made of.
        notes: what a reader must know first, such as pictures left out for size.
        made: when and by what.
    """

    title: str
    about: str
    notes: tuple[str, ...]
    made: str


def render_page(heading: Heading, chapters: Sequence[Chapter]) -> str:
    """Return the page.

    Args:
        heading: what stands at its top.
        chapters: in order; their sections' anchors are unique.

    Texts are escaped; a section's ``html`` is taken as it is.
    """
    return _template().render(heading=heading, chapters=chapters)


@cache
def _template() -> "Template":
    return read_template(
        "page",
        show=show,
        png_link=_png_link,
        csv_link=_csv_link,
        csv_text=csv_text,
        kind=_kind,
        stacked=_stacked,
        most_rows=_MOST_ROWS,
        spoken=spoken,
    )


def spoken(text: str) -> "Markup":
    r"""Return a sentence as HTML: escaped, numbers beside their units, `code` as code.

    Example:
        >>> spoken("5 % of <b> by `--out`")
        Markup('5\xa0% of &lt;b&gt; by <code>--out</code>')
    """
    from markupsafe import Markup, escape

    parts = str(escape(text.replace(" %", "\N{NO-BREAK SPACE}%"))).split("`")
    if len(parts) % 2 == 0:  # a backtick without another
        return Markup("`".join(parts))
    coded = (f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
    return Markup("".join(coded))


def csv_text(table: Table) -> str:
    """Return a table as CSV with exact numbers; what is unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(csv_header(table))
    writer.writerows(csv_rows(table))
    return text.getvalue()


def _png_link(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _csv_link(table: Table) -> str:
    return f"data:text/csv;charset=utf-8;base64,{b64encode(csv_text(table).encode()).decode()}"


def _stacked(table: Table) -> bool:
    """Return whether intervals stand below their numbers, as there are many columns of them."""
    wide = [any(isinstance(row[i], Value) for row in table.rows) for i in range(len(table.columns))]
    return sum(wide) > _MOST_BESIDE


def _kind(table: Table, i: int) -> str:
    """Return how a column is set: words to the left, numbers to the right."""
    cells = [row[i] for row in table.rows if row[i] is not None]
    return "words" if cells and all(isinstance(cell, str) for cell in cells) else "number"
