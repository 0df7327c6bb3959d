"""What a report is made of: sections of words, figures and tables, whatever shows them."""

from typing import NamedTuple, TypeAlias


class Value(NamedTuple):
    """A number with its 95 % interval, in the unit of its column.

    Attributes:
        value: the number; NaN where there is none.
        low: lower end of the interval.
        high: upper end.
    """

    value: float
    low: float
    high: float


Cell: TypeAlias = str | int | float | Value | None


class Column(NamedTuple):
    """One column of a table.

    Attributes:
        name: in the CSV, in snake_case with its unit, e.g. ``"accuracy"`` or ``"mean_ms"``; a
            column of ``Value`` cells becomes three, ``X``, ``X_low`` and ``X_high``.
        title: in the page, with its unit, e.g. ``"accuracy, %"``.
        digits: decimals shown in the page; the CSV has all.
        factor: what numbers are multiplied by in the page, e.g. 100 for percent.
    """

    name: str
    title: str
    digits: int = 1
    factor: float = 1.0


class Table(NamedTuple):
    """Rows of cells; what is published is exact in the CSV and rounded in the page alone.

    Attributes:
        name: stem of the CSV, unique in a report.
        caption: one sentence that says what is counted, over which samples.
        columns: of every row.
        rows: as long as ``columns`` each; cells are ``Value``, numbers, texts or None (unknown).
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Picture(NamedTuple):
    """A figure.

    Attributes:
        name: stem of the PNG, unique in a report.
        caption: one sentence that says what is shown, with its intervals.
        alt: what who cannot see it should know, in words.
        png: the file's bytes.
    """

    name: str
    caption: str
    alt: str
    png: bytes


class Section(NamedTuple):
    """One question that a report answers.

    Attributes:
        anchor: of the page's link, unique in a report.
        title: the question, e.g. ``"How many tokens does this dataset need?"``.
        words: the answer in whole sentences, plain text, most important first.
        pictures: figures, in order.
        tables: tables, in order.
        html: further content, safe HTML; empty for most.
    """

    anchor: str
    title: str
    words: tuple[str, ...]
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    html: str = ""
