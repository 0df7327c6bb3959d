"""The command ``budget oracle export``: curves in layouts that other tools read.

    budget oracle export curves.parquet --out mmr --format mmr --data my_data

Ends with one line of JSON.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budget.console import one_line_errors, print_json_line, quiet_libraries, say
from budget.data_choice import DataChoice, takes_data_choice
from budget.errors import DataError

if TYPE_CHECKING:
    from oracle.export import Question


@one_line_errors()
@takes_data_choice()
def export(
    choice: DataChoice,
    curves: Annotated[
        Path, typer.Argument(help="Curves: a run's folder or a file.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Folder to write, new or empty.", show_default=False)],
    format: Annotated[
        str,
        typer.Option(
            help="mmr: MMR_Bench.csv, one row a sample, options named m<scale>, costs in visual "
            "tokens. datasets: a folder of datasets.save_to_disk, lists with one item a scale."
        ),
    ] = "mmr",
    data: Annotated[
        str | None,
        typer.Option(help="Dataset with columns id, question, answers, for the table of mmr."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split, where the data has several.")] = "test",
) -> None:
    """Write CURVES as MMR-Bench's table or as a datasets folder."""
    quiet_libraries()
    from oracle.curves import read_curves, read_metadata
    from oracle.export import export_datasets, export_mmr

    if format not in ("mmr", "datasets"):
        raise DataError(f"unknown format {format!r}; legal are mmr, datasets")
    if data is not None and format != "mmr":
        raise DataError("--data is for the format mmr; a datasets folder holds curves alone")
    table = read_curves(curves)
    if format == "mmr":
        written = export_mmr(table, out, _questions(data, split, choice))
    else:
        written = export_datasets(table, out, read_metadata(curves))
    print_json_line(
        {"out": written, "format": format, "n": len(table), "scales": list(table.scales)}
    )


def _questions(data: str | None, split: str, choice: DataChoice) -> dict[str, "Question"]:
    from oracle.data import load_dataset_columns
    from oracle.export import Question

    if data is None:
        return {}
    dataset = load_dataset_columns(
        data, split, ("id", "question", "answers"), choice=choice, say=say
    )
    rows = zip(dataset["id"][:], dataset["question"][:], dataset["answers"][:], strict=True)
    return {name: Question(text, tuple(right)) for name, text, right in rows}
