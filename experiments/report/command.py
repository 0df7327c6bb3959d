"""What ``budget report`` does, once its options are read."""

import shlex
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from budget.console import print_json_line, progress, say
from budget.errors import DataError
from experiments.report.chapters import Chapter, Settings, add_examples, chapters_of
from experiments.report.load import Asked, load_runs
from experiments.report.method import method_section
from experiments.report.page import Heading, render_page
from experiments.report.phrases import listed, samples_of
from experiments.report.places import RunPlace
from experiments.report.runs import Run
from experiments.report.sizes import fitting_page
from experiments.report.write import write_report
from policies.reading import Readers


def run_report(
    readers: Readers,
    places: Sequence[RunPlace],
    asked: Asked,
    settings: Settings,
    out: Path,
    *,
    compare: bool = False,
    title: str | None = None,
) -> None:
    """Make a report, write it, print its answers and one line of JSON.

    Args:
        readers: how files are read.
        places: where the runs lie.
        asked: groups and policies.
        settings: of all sections.
        out: folder of the report.
        compare: whether runs stand side by side rather than one by one.
        title: of the report; by default of the runs' names.

    Raises:
        BudgetError: if something given cannot be used.
    """
    start = time.perf_counter()
    if compare and len(places) < 2:
        raise DataError(f"--compare needs at least two runs, got {len(places)}")
    runs = load_runs(readers, places, asked)
    command = "budget " + shlex.join(sys.argv[1:])
    last = Chapter("", (method_section(runs, settings, command),), in_short=False)
    with progress("Sections", "sections") as update:
        first = chapters_of(runs, settings, compare=compare, progress=update)
    heading = _heading(runs, title, compare=compare)
    plain = compare or not settings.examples
    fitted = fitting_page(
        [*first, last],
        lambda room: [*(first if plain else add_examples(first, runs, settings, room)), last],
        lambda chapters, notes: render_page(heading._replace(notes=tuple(notes)), chapters),
    )
    for note in fitted.notes:
        say(note)
    about: dict[str, Any] = {"title": heading.title, "made": heading.made, "command": command}
    about |= {"settings": settings._asdict(), "runs": [_about(run) for run in runs]}
    files = write_report(out, fitted.page, fitted.chapters, about | {"notes": fitted.notes})
    _print_answers(fitted.chapters)
    print_json_line(
        {
            "report": str(files[0]),
            "bytes": len(fitted.page.encode()),
            "runs": {run.name: len(run.curves) for run in runs},
            "sections": [each.anchor for one in fitted.chapters for each in one.sections],
            "figures": sum(path.suffix == ".png" for path in files),
            "tables": sum(path.suffix == ".csv" for path in files),
            "seconds": round(time.perf_counter() - start, 2),
        }
    )


def _heading(runs: Sequence[Run], title: str | None, *, compare: bool) -> Heading:
    names = listed([run.name for run in runs])
    usual = f"How many visual tokens do they need? {names} side by side"
    if not compare:
        # A run is often named after its model, so that a name alone would not be a dataset's.
        usual = "How much visual detail does this dataset need?"
        usual = usual if len(runs) == 1 else f"How much visual detail is needed? {names}"
    parts = []
    for run in runs:
        model, data = run.about.get("model"), run.about.get("dataset")
        on = f" on {data} ({run.about['split']})" if data else ""
        parts.append(f"{run.name}: {samples_of(run.curves)}, model {model or 'unknown'}{on}")
    made = f"Made on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by matryoshka-budget {_version()}."
    return Heading(title or usual, "; ".join(parts), (), made)


def _version() -> str:
    try:
        return version("matryoshka-budget")
    except PackageNotFoundError:
        return "(not installed)"


def _about(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "samples": len(run.curves),
        "scales": list(run.curves.scales),
        "grouped_by": run.grouped_by,
        "policies": [each.name for each in run.policies],
        "about": dict(run.about),
    }


def _print_answers(chapters: Sequence[Chapter]) -> None:
    for chapter in chapters:
        if not chapter.in_short:
            continue
        for section in chapter.sections:
            if section.words:
                name = f"{chapter.title}: " if chapter.title else ""
                typer.echo(f"{name}{section.title}\n  {section.words[0]}")
