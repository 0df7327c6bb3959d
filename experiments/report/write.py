"""A report's folder: the page, its figures as PNG, its tables as CSV, everything as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from budget.console import plain_values
from experiments.report.cells import Plain, csv_header, csv_rows
from experiments.report.chapters import Chapter
from experiments.report.page import csv_text
from experiments.report.section import Section, Table
from oracle.whole_files import write_whole

PAGE, RECORD = "report.html", "report.json"


def write_report(
    out: Path, page: str, chapters: Sequence[Chapter], about: Mapping[str, Any]
) -> list[Path]:
    """Write a report's files, each whole or not at all; those of an older report go.

    Args:
        out: folder, made if it is not there.
        page: the page.
        chapters: what it shows.
        about: what else ``report.json`` says, values of JSON.

    Returns:
        The files, the page first.

    Raises:
        ValueError: if two figures or two tables have one name.
    """
    contents: dict[str, bytes] = {PAGE: page.encode()}
    for section in _sections(chapters):
        for picture in section.pictures:
            _add(contents, f"figures/{picture.name}.png", picture.png)
        for table in section.tables:
            _add(contents, f"tables/{table.name}.csv", csv_text(table).encode())
    record = {**plain_values(about), "chapters": [_chapter(each) for each in chapters]}
    record["files"] = sorted(contents)
    contents[RECORD] = (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()
    _remove_older(out)
    for name, content in contents.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, partial(_put, content))
    return [out / name for name in contents]


def _put(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _sections(chapters: Sequence[Chapter]) -> Iterator[Section]:
    for chapter in chapters:
        yield from chapter.sections


def _add(contents: dict[str, bytes], name: str, content: bytes) -> None:
    if name in contents:
        raise ValueError(f"two parts of the report are called {name}")
    contents[name] = content


def _chapter(chapter: Chapter) -> dict[str, Any]:
    return {"title": chapter.title, "sections": [_section(each) for each in chapter.sections]}


def _section(section: Section) -> dict[str, Any]:
    return {
        "anchor": section.anchor,
        "title": section.title,
        "words": list(section.words),
        "figures": [
            {"file": f"figures/{each.name}.png", "caption": each.caption, "alt": each.alt}
            for each in section.pictures
        ],
        "tables": [_table(each) for each in section.tables],
    }


def _table(table: Table) -> dict[str, Any]:
    header = csv_header(table)
    rows: list[dict[str, Plain]] = [dict(zip(header, row, strict=True)) for row in csv_rows(table)]
    return {
        "file": f"tables/{table.name}.csv",
        "caption": table.caption,
        "rows": plain_values(rows),
    }


def _remove_older(out: Path) -> None:
    """Remove figures and tables that an older report wrote here, and nothing else."""
    try:
        named = json.loads((out / RECORD).read_text(encoding="utf-8"))["files"]
        known = [Path(str(name)) for name in named]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in known:
        if len(name.parts) == 2 and (name.parts[0], name.suffix) in (
            ("figures", ".png"),
            ("tables", ".csv"),
        ):
            (out / name).unlink(missing_ok=True)
