"""The command ``budget models``: which families of models can be run, and what was tried of them.

    budget models
    budget models --verify
    budget models path/to/model --verify

``--verify`` builds a tiny random model of every family and runs it the whole way: realised tokens,
equality with transformers, mixed batches, threads, the sweep, a policy and adaptive answers. The
last line, all that goes to stdout, is a JSON list with an entry a family.
"""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budget.console import one_line_errors, progress, quiet_libraries, say

if TYPE_CHECKING:
    from experiments.families.entry import Entry

app = typer.Typer(add_completion=False, help="Families of models and their knobs.")


@app.command()
@one_line_errors()
def models(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A model folder or hub id; without one, all families.", show_default=False
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run every check, on tiny random models.")
    ] = False,
    family: Annotated[
        list[str] | None,
        typer.Option(help="Only this family; may be given several times.", show_default=False),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Write the table into this Markdown page.", show_default=False),
    ] = None,
) -> None:
    """List families of models: what sets their visual tokens, what images really cost."""
    quiet_libraries()
    # What a knob's note says of a model stands in its entry.
    logging.getLogger("budget").setLevel(logging.ERROR)
    from experiments.families.choice import entries_of
    from experiments.families.table import markdown, write_into

    with progress("families", "families") as update:
        entries = entries_of(model, family or [], verify=verify, progress=update)
    if page is not None:
        write_into(page, markdown(entries))
    for entry in entries:
        say(_line(entry))
    typer.echo(json.dumps([entry.as_json() for entry in entries]))


def _line(entry: "Entry") -> str:
    said = (
        f"verified in {entry.seconds:g} s" if entry.verified else f"not verified: {entry.why_not}"
    )
    ladder = "/".join(map(str, entry.ladder)) or "?"
    return f"{entry.family}: {entry.knob or 'knob not known'}; caps {ladder}; {said}"
