"""The table of families as Markdown, and its place in a page."""

from collections.abc import Sequence
from pathlib import Path

from budget.errors import DataError
from experiments.families.entry import SHAPES, Entry, shape_name

BEGIN = "<!-- families: written by `budget models --verify --page` -->"
END = "<!-- families: end -->"


def markdown(entries: Sequence[Entry]) -> str:
    """Return the table of all families."""
    heads = ["Family", "Model types", "Knob", "Ladder", *map(shape_name, SHAPES), "Verified"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for each in entries:
        realised = [_numbers(each.realised.get(shape_name(size), ())) for size in SHAPES]
        said = "all checks" if each.verified else f"no: {each.why_not}"
        types = ", ".join(f"`{kind}`" for kind in each.model_types)
        lines.append(_row([each.family, types, each.knob, _numbers(each.ladder), *realised, said]))
    notes = [f"- {each.family}: {each.note}" for each in entries if each.note]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def write_into(page: Path, table: str) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        DataError: if the page lacks the marks.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, behind = rest.partition(END)
    if not begin or not end:
        raise DataError(f"{page} lacks the lines {BEGIN!r} and {END!r}")
    page.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{behind}", encoding="utf-8")


def _numbers(values: Sequence[int]) -> str:
    return " / ".join(map(str, values)) or "?"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
