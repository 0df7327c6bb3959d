"""The command ``budget bench times``: what batches of a model take on this machine.

    budget bench times m3 --out times.json

What ``--out`` writes decides which prompts run together (``LlavaRunner.times``). The last line is
JSON, with how far predictions were off on batches that were not fitted on.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, print_json_line, print_table, progress, quiet_libraries
from budget.device_options import DeviceOption, DtypeOption
from budget.options import dtype_on

if TYPE_CHECKING:
    from budget.time_model import TimeModel


@one_line_errors()
def times(
    model: Annotated[
        str, typer.Argument(help="m3, mqt, a model folder or a hub id.", show_default=False)
    ],
    batch_size: Annotated[int, typer.Option(help="Prompts of the largest batch.", min=1)] = 32,
    longest: Annotated[
        int | None,
        typer.Option(
            help="Tokens of the longest prompt.",
            show_default="the largest scale with 32 text tokens",
            min=9,
        ),
    ] = None,
    new_tokens: Annotated[
        int, typer.Option(help="Tokens that an answer is expected to have.", min=1)
    ] = 2,
    repeats: Annotated[int, typer.Option(help="Measurements of every batch.", min=1)] = 5,
    held_out: Annotated[
        int, typer.Option(help="Batches that are predicted, not fitted on.", min=1)
    ] = 16,
    seed: Annotated[int, typer.Option(help="Seed of the batches held out.")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads of torch.", show_default="torch's own", min=1),
    ] = None,
    device: DeviceOption = "cpu",
    dtype: DtypeOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Time model to write (JSON).", show_default=False)
    ] = None,
) -> None:
    """Measure what reading, writing and seeing take in batches of MODEL, and fit a time model."""
    quiet_libraries()
    import torch

    from budget.bench_cli import one_line_memory
    from budget.matryoshka import load_matryoshka
    from budget.placement import check_device
    from budget.time_bench import Extent, measure_times
    from budget.time_model import write_times

    if threads is not None:
        torch.set_num_threads(threads)
    place = check_device(device)
    kind = dtype_on(place.type, dtype)
    with one_line_memory(place), progress(f"batches of {model}", "rounds") as update:
        loaded = load_matryoshka(
            model, "budget bench times", device=place, dtype=getattr(torch, kind)
        )
        found = measure_times(
            loaded,
            Extent(batch_size, longest or loaded.ladder[-1] + 32, held_out),
            new_tokens=new_tokens,
            repeats=repeats,
            seed=seed,
            progress=update,
        )
    if out is not None:
        write_times(out, found)
    _print_found(found)
    print_json_line({**_as_json(found), "written": out})


def _print_found(found: "TimeModel") -> None:
    where = found.machine
    typer.echo(f"{found.model}: {where.device_name}")
    typer.echo(f"{where.device}, {where.threads} threads, {found.dtype}; ms, a batch of b prompts")
    columns = ("call", "fixed", "a prompt", "a token", "a pair of tokens")
    sorts = (("even", found.even), ("padded", found.padded))
    costs = [
        (f"{what}, {sort}", getattr(cost, what))
        for what in ("prefill", "step")
        for sort, cost in sorts
    ]
    rows = [
        (name, *(f"{part:.3g}" for part in (c.fixed, c.row, c.token, c.pair))) for name, c in costs
    ]
    print_table(columns, rows)
    typer.echo(
        f"images {found.encode.fixed:.3g} and {found.encode.grid:.3g} each; "
        f"text {found.text_ms:.3g} a sample"
    )
    typer.echo(
        f"off by {found.prefill_error.median:.1%} of a prefill and {found.step_error.median:.1%} "
        "of a step (medians over batches not fitted on)"
    )


def _as_json(found: "TimeModel") -> dict[str, Any]:
    return {
        "model": found.model,
        "device": found.machine.device,
        "threads": found.machine.threads,
        "dtype": found.dtype,
        "repeats": found.repeats,
        "max_rows": found.max_rows,
        "max_length": found.max_length,
        "prefill_error": round(found.prefill_error.median, 4),
        "prefill_error_high": round(found.prefill_error.high, 4),
        "step_error": round(found.step_error.median, 4),
        "step_error_high": round(found.step_error.high, 4),
    }
