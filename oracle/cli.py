"""The oracle's commands: run a model at every scale, label and summarise what came out.

    budget oracle run --model m3 --data scenes --split test --out runs/m3
    budget oracle run --model m3 --data scenes --rollouts 8 --temperature 0.7 --out runs/drawn
    budget oracle run --model m3 --data scenes-several --image-split greedy --out runs/greedy
    budget oracle summary runs/m3
    budget oracle labels runs/m3 --rule stable --out runs/labels.parquet
    budget oracle ingest 9=run9.jsonl 36=run36.jsonl --out runs/curves.parquet
    budget oracle export runs/m3 --out runs/mmr

All end with one line of JSON. Accuracies are mean scores in [0, 1], tokens are visual tokens per
image.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import (
    one_line,
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
    say,
)
from budget.data_choice import DataChoice, takes_data_choice
from budget.device_options import LadderOption
from budget.options import given_ladder
from budget.own_knob import note_of
from oracle.export_cli import export
from oracle.ingest_cli import ingest
from oracle.labels_cli import labels

if TYPE_CHECKING:
    from oracle.curves import Curves
    from oracle.report import GroupRow
    from oracle.run_folder.parts import Failure

_SHOWN_FAILURES = 5

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Run a model at every scale over a dataset."
)
app.command()(ingest)
app.command()(export)
app.command()(labels)


@app.command()
@one_line_errors()
@takes_data_choice(stream=True)
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
        typer.Option(
            help="Folder of the run; the same command goes on with a killed one. A name that ends "
            "in .parquet: one file, written at the end.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="m3, mqt, a model folder, a hub id, or one that is served: openai:URL#name, with "
            "settings as openai:URL#name?dialect=...&ladder=...; see docs/remote.md."
        ),
    ] = "m3",
    ladder: LadderOption = None,
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
    rollouts: Annotated[
        int | None,
        typer.Option(
            help="Draw so many answers per sample and scale; their mean score counts.",
            show_default="one greedy answer",
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Of --rollouts.", show_default="1.0")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of --rollouts.", show_default="0")] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Take the likeliest of given choices; see --choices.")
    ] = False,
    choices: Annotated[
        str | None,
        typer.Option(
            help="Of --closed: letters or words (of the options), yes-no; default: by the scorer.",
            show_default=False,
        ),
    ] = None,
    normalise_length: Annotated[
        bool,
        typer.Option("--normalise-length", help="Of --choices words: mean per token, not sum."),
    ] = False,
    image_split: Annotated[
        str,
        typer.Option(
            help="Of samples with several images, where scale m stands for m times their number. "
            "uniform: all at that scale. greedy: the best split of that total that a search finds; "
            "it knows the right answers, so it is an upper reference and not what a policy could "
            "do. For n images at k scales it takes up to n * n * (k - 1) answers more."
        ),
    ] = "uniform",
    chunk_size: Annotated[
        int, typer.Option(help="Samples per part file; what a kill can cost.", min=1)
    ] = 512,
    max_errors: Annotated[
        int | None,
        typer.Option(
            help="Samples that may fail before the run is given up, 0: stop at the first; "
            "default: 5 % (of a stream: so far), but at least 10, and not the first 10 of all.",
            min=0,
            show_default=False,
        ),
    ] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Run again the samples that failed before.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...")] = "cpu",
    engine: Annotated[
        str, typer.Option(help="local: in this process; ray: on a Ray cluster, same run folder.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(help="Workers on Ray; default: as many as there is room for.", min=1),
    ] = None,
    gpus_per_worker: Annotated[
        float, typer.Option(help="GPUs of each, with --device cuda; 0.5: two share one.", min=0.01)
    ] = 1.0,
    ray_address: Annotated[
        str | None,
        typer.Option(
            help="host:port of a cluster, or auto; its machines need this package, and model and "
            "data under the same paths. Default: start Ray here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run MODEL at every scale over DATA into curves on disk, one row a sample and rung.

    Samples that fail are left out and listed. Ctrl-C writes what was measured (exit code 130).
    """
    quiet_libraries()
    from oracle.answering_flags import answering
    from oracle.curves import read_curves
    from oracle.data import NEEDED, open_samples
    from oracle.report import summarise
    from oracle.run_folder.runner import sweep_to
    from oracle.run_folder.stopping import stop_on_signals
    from oracle.scoring import agreement, get_scorer

    how = answering(
        scorer,
        rollouts=rollouts,
        temperature=temperature,
        seed=seed,
        closed=closed,
        choices=choices,
        normalise_length=normalise_length,
        image_split=image_split,
    )
    labelled = get_scorer(scorer) is not agreement
    needed = [name for name in NEEDED if labelled or name != "answers"]
    dataset = open_samples(data, split, needed, limit, choice=choice, say=say)
    from budget.models import model_files
    from oracle.engines.choice import EngineChoice, opened

    wanted = EngineChoice(engine, workers, gpus_per_worker, ray_address)
    with (
        _interruptible(),
        opened(wanted, model, device, _warn, given_ladder(ladder)) as (vlm, begin),
        stop_on_signals() as stop,
        progress(f"{vlm.name} at {len(vlm.ladder)} scales", "answers") as update,
    ):
        note = note_of(vlm)
        start = time.perf_counter()
        done = sweep_to(
            out,
            vlm,
            dataset,
            scorer=scorer,
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            how=how,
            chunk_size=chunk_size,
            files=model_files(model),
            max_errors=max_errors,
            retry_errors=retry_errors,
            begin=begin,
            stop=stop,
            notify=_warn,
            progress=update,
        )
    seconds = time.perf_counter() - start
    curves = read_curves(out)
    rows = summarise(curves)
    _print_rows(rows, curves.scales)
    _print_failures(done.failures, len(curves) + len(done.failures))
    figures = {**_as_json(rows[0], curves.scales), "errors": len(done.failures)}
    figures |= _search_figures(out, curves) if image_split == "greedy" else {}
    said = {"note": note} if note else {}
    print_json_line({"out": out, **figures, "seconds": round(seconds, 2), **said})


def _search_figures(out: Path, curves: "Curves") -> dict[str, Any]:
    """Print how many answers a search for splits took, and return that."""
    from oracle.image_splits import COLUMNS, has_image_splits, read_image_splits

    more = read_image_splits(out, curves).more_answers if has_image_splits(out) else None
    total = 0 if more is None else int(more.sum())
    several = 0 if more is None else int((more > 0).sum())
    usual = len(curves) * curves.num_rungs
    typer.echo(
        f"greedy split, by the right answers: {total:,} answers more than the {usual:,} of all "
        f"images at one scale, for {several:,} of {len(curves):,} samples"
    )
    return {"image_split": "greedy", COLUMNS[1]: total}


def _warn(line: str) -> None:
    typer.echo(f"budget: {line}", err=True)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn a wish to stop into one line and the exit code 130 that shells give to Ctrl-C."""
    from oracle.run_folder.filling import RunInterrupted

    try:
        yield
    except RunInterrupted as stopped:
        typer.echo(f"budget: {one_line(stopped)}", err=True)
        raise typer.Exit(130) from None
    except KeyboardInterrupt:
        typer.echo("budget: stopped at once; the same command goes on from the last part", err=True)
        raise typer.Exit(130) from None


@app.command()
@one_line_errors()
def summary(
    file: Annotated[
        Path, typer.Argument(help="Curves that 'run' wrote, folder or file.", show_default=False)
    ],
) -> None:
    """Show accuracy per scale and oracles by rule, for all samples and for each group.

    Where answers were drawn, the line of JSON says how noisy a sample's score is at every scale.
    """
    quiet_libraries()
    from oracle.curves import read_curves, read_metadata
    from oracle.draw_scores import read_draw_scores, standard_errors
    from oracle.report import summarise
    from oracle.run_folder.manifest import ANSWERING
    from oracle.run_folder.reading import read_errors

    curves, about, failures = read_curves(file), read_metadata(file), read_errors(file)
    rows = summarise(curves)
    _print_rows(rows, curves.scales)
    _print_failures(failures, len(curves) + len(failures))
    groups = {row.group: _as_json(row, curves.scales) for row in rows[1:]}
    known: dict[str, Any] = {
        key: about[key] for key in ("model", "scorer", *ANSWERING, "created_by") if key in about
    }
    if "rollouts" in about:
        errors = standard_errors(read_draw_scores(file, curves))
        known["draw_standard_error"] = errors.mean(axis=0).round(4)
    figures = {**_as_json(rows[0], curves.scales), "errors": len(failures)}
    print_json_line({**known, **figures, "groups": groups})


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


def _print_failures(failures: Sequence["Failure"], num_samples: int) -> None:
    """Print the first few samples that failed, if any did."""
    if failures:
        title = f"{len(failures)} of {num_samples} samples failed and are left out above; the first"
        cells = [(failure.sample_id, failure.error) for failure in failures[:_SHOWN_FAILURES]]
        print_table(("sample", "error"), cells, title)


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
