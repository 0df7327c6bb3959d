"""The oracle's commands: run a model at every scale, label and summarise what came out.

    budget oracle run --model m3 --data scenes --split test --out runs/curves.parquet
    budget oracle summary runs/curves.parquet
    budget oracle labels runs/curves.parquet --rule stable --out runs/labels.parquet
    budget oracle ingest 9=run9.jsonl 36=run36.jsonl --out runs/curves.parquet
    budget oracle export runs/curves.parquet --out runs/mmr

All end with one line of JSON. Accuracies are mean scores in [0, 1], tokens are visual tokens per
image.
"""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import (
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
    say,
)
from budget.data_choice import DataChoice, takes_data_choice
from oracle.export_cli import export
from oracle.ingest_cli import ingest
from oracle.labels_cli import labels

if TYPE_CHECKING:
    from oracle.report import GroupRow

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Run a model at every scale over a dataset."
)
app.command()(ingest)
app.command()(export)
app.command()(labels)


@app.command()
@one_line_errors()
@takes_data_choice()
def run(
    choice: DataChoice,
    data: Annotated[
        str,
        typer.Option(
            help="scenes; a .parquet, .jsonl, .json, .csv or .tsv file; a folder that datasets "
            "saved, of images with metadata, or of Parquet files; 'parts/*.parquet'; a hub id "
            "owner/name[:config].",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(help="Parquet file to write; a killed run resumes.", show_default=False),
    ],
    model: Annotated[str, typer.Option(help="m3, mqt, a model folder or a hub id.")] = "m3",
    split: Annotated[str, typer.Option(help="Split, where the data has several.")] = "test",
    limit: Annotated[
        int | None, typer.Option(help="Samples from the front; default: all.", min=1)
    ] = None,
    scorer: Annotated[
        str,
        typer.Option(
            help="exact, vqa_soft, anls, relaxed, relaxed_years, choice, yes_no, agreement (with "
            "the full scale, needs no answers), or your own as module:function."
        ),
    ] = "exact",
    batch_size: Annotated[int, typer.Option(help="Samples that run together.", min=1)] = 64,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 8,
    chunk_size: Annotated[
        int, typer.Option(help="Samples per part file; what a kill can cost.", min=1)
    ] = 512,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...")] = "cpu",
) -> None:
    """Run MODEL at every scale over DATA into curves on disk, one row a sample and rung."""
    quiet_libraries()
    from oracle.data import NEEDED, load_dataset_columns
    from oracle.report import summarise
    from oracle.resume import sweep_to
    from oracle.scoring import agreement, get_scorer

    labelled = get_scorer(scorer) is not agreement
    needed = [name for name in NEEDED if labelled or name != "answers"]
    dataset = load_dataset_columns(data, split, needed, limit, choice=choice, say=say)
    from budget.models import load_model

    vlm = load_model(model, device=device)
    start = time.perf_counter()
    with progress(f"{vlm.name} at {len(vlm.ladder)} scales", "answers") as update:
        curves = sweep_to(
            out,
            vlm,
            dataset,
            scorer=scorer,
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            chunk_size=chunk_size,
            progress=update,
        )
    seconds = time.perf_counter() - start
    rows = summarise(curves)
    _print_rows(rows, curves.scales)
    print_json_line({"out": out, **_as_json(rows[0], curves.scales), "seconds": round(seconds, 2)})


@app.command()
@one_line_errors()
def summary(
    file: Annotated[Path, typer.Argument(help="Curves that 'run' wrote.", show_default=False)],
) -> None:
    """Show accuracy per scale and oracles by rule, for all samples and for each group."""
    quiet_libraries()
    from oracle.curves import read_curves, read_metadata
    from oracle.report import summarise

    curves, about = read_curves(file), read_metadata(file)
    rows = summarise(curves)
    _print_rows(rows, curves.scales)
    groups = {row.group: _as_json(row, curves.scales) for row in rows[1:]}
    known: dict[str, Any] = {
        key: about[key] for key in ("model", "scorer", "created_by") if key in about
    }
    print_json_line({**known, **_as_json(rows[0], curves.scales), "groups": groups})


def _print_rows(rows: Sequence["GroupRow"], scales: Sequence[int]) -> None:
    """Print accuracy in % with its 95 % interval per scale, then the oracles."""
    cells = [
        (
            row.group,
            row.n,
            *(f"{100 * a.mean:.1f} ({100 * a.low:.1f}-{100 * a.high:.1f})" for a in row.accuracy),
            f"{100 * row.falling:.1f}",
        )
        for row in rows
    ]
    headings = ("group", "n", *(f"m={m}" for m in scales), "falling")
    print_table(headings, cells, "accuracy in %, with 95 % interval; falling: worse at a larger m")
    oracles = [
        (row.group, o.rule, o.unsolved, f"{100 * o.accuracy:.1f}", f"{o.mean_tokens:.1f}")
        for row in rows[:1]
        for o in row.oracles
    ]
    columns = ("group", "oracle", "unsolved charged", "accuracy in %", "mean tokens")
    print_table(columns, oracles, "oracles, each by its two rules")


def _as_json(row: "GroupRow", scales: Sequence[int]) -> dict[str, Any]:
    return {
        "n": row.n,
        "scales": list(scales),
        "accuracy": [round(a.mean, 4) for a in row.accuracy],
        "oracle": {
            f"{o.rule}/{o.unsolved}": {
                "accuracy": round(o.accuracy, 4),
                "mean_tokens": round(o.mean_tokens, 2),
                "mean_flops": round(o.mean_flops) if math.isfinite(o.mean_flops) else None,
            }
            for o in row.oracles
        },
        "falling": round(row.falling, 4),
    }
