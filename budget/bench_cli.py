"""The commands ``budget bench``: measure on the machine that they run on.

    budget bench model m3 --repeats 20 --out calibration.json
    budget bench model path/to/config.json --random-weights --device cuda --dtype bfloat16
    budget bench resampler mqt

Times are milliseconds per sample; the last line is JSON. What ``--out`` writes can be the cost of a
policy: ``budget policy fit --cost calibration.json``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import (
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
)
from budget.device_options import DeviceOption, DtypeOption
from budget.options import dtype_on, parse_ladder, scaled

if TYPE_CHECKING:
    import torch

    from budget.config_files import ModelSizes
    from budget.cost_calibration import CostCalibration
    from budget.shapes import LlavaShape

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Measure on this machine.")


@app.callback()
def bench() -> None:
    """Measure on this machine what models cost."""


@app.command()
@one_line_errors()
def model(
    model: Annotated[
        str,
        typer.Argument(
            help="m3, mqt, a model folder or a hub id; with --random-weights a config.json too.",
            show_default=False,
        ),
    ],
    ladder: Annotated[
        str | None,
        typer.Option(help="Scales, e.g. 1,9,36; the model's own by default.", show_default=False),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Samples that run together.", min=1)] = 1,
    repeats: Annotated[int, typer.Option(help="Measurements of every scale.", min=1)] = 10,
    text_tokens: Annotated[
        int, typer.Option(help="Prompt tokens without the visual ones.", min=0)
    ] = 55,
    new_tokens: Annotated[int, typer.Option(help="Generated tokens.", min=2)] = 8,
    grids: Annotated[
        int | None,
        typer.Option(
            help="Squares an image is seen in (LLaVA-NeXT: 5).",
            show_default="as the config says",
            min=1,
        ),
    ] = None,
    device: DeviceOption = "cpu",
    dtype: DtypeOption = None,
    random_weights: Annotated[
        bool,
        typer.Option(help="Run the model's shape alone; nothing is downloaded but its config."),
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Run the language model through torch.compile.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Calibration to write (JSON).", show_default=False)
    ] = None,
) -> None:
    """Measure every scale of MODEL: vision, prefill, decoding, memory.

    Quartiles are those of the whole answer. Peak memory is what is alive at once without the
    weights: tensors on a CPU, the allocator's count on CUDA.
    """
    quiet_libraries()
    from budget.benchmark import Load, calibrate
    from budget.config_files import read_sizes
    from budget.cost_calibration import write_calibration
    from budget.placement import check_device

    place = check_device(device)
    kind = dtype_on(place.type, dtype)
    sizes = read_sizes(model)
    scales = tuple(sizes.check_scale(m) for m in parse_ladder(ladder, sizes.ladder))
    seen = sizes.grids if grids is None else grids
    if seen is None:
        raise ValueError(f"{sizes.name} cuts images into tiles of unknown number; give --grids")
    label = f"{sizes.name} at {len(scales)} scales"
    with one_line_memory(place), progress(label, "passes") as update:
        weights, shape = _build(model, sizes, place, kind, random_weights=random_weights)
        found = calibrate(
            weights,
            shape,
            Load(batch_size, seen, text_tokens, new_tokens),
            scales,
            name=sizes.name,
            repeats=repeats,
            random_weights=random_weights,
            compiled=compiled,
            progress=update,
        )
    if out is not None:
        write_calibration(out, found)
    _print_found(found)
    print_json_line({**_as_json(found), "written": out})


@app.command()
@one_line_errors()
def resampler(
    model: Annotated[
        str, typer.Argument(help="mqt, a model folder, a hub id or a config.json of an MQT model.")
    ] = "mqt",
    batch_size: Annotated[int, typer.Option(help="Images that run together.", min=1)] = 1,
    repeats: Annotated[int, typer.Option(help="Measurements of each form.", min=1)] = 50,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...")] = "cpu",
) -> None:
    """Measure the resampler of MODEL: plainly, and with its attention computed once.

    Only its sizes are those of the model; weights and patches are random, in float32.
    """
    quiet_libraries()
    from budget.config_files import read_sizes
    from budget.placement import check_device
    from budget.resampler import QueryResampler
    from budget.resampler_bench import time_resampler

    place, sizes = check_device(device), read_sizes(model)
    shape = sizes.shape
    if shape.num_queries is None:
        raise ValueError(f"{sizes.name} has a projector, only MQT models have a resampler")
    built = QueryResampler(
        shape.num_queries, shape.feature_width, shape.text.width, shape.resampler_heads
    ).to(place)
    with progress("resampler", "rounds") as update:
        found = time_resampler(
            built.eval(),
            shape.grid_tokens,
            batch_size=batch_size,
            repeats=repeats,
            progress=update,
        )
    typer.echo(
        f"{shape.grid_tokens} patches of width {shape.feature_width} to {shape.num_queries} tokens "
        f"of width {shape.text.width}; ms an image, medians of {repeats} and quartiles"
    )
    rows = [
        (form, _ms(spread.median), f"{_ms(spread.low)}-{_ms(spread.high)}")
        for form, spread in (("plain", found.plain_ms), ("fixed", found.fixed_ms))
    ]
    print_table(("resampler", "ms", "quartiles"), rows)
    print_json_line(
        {
            "model": sizes.name,
            "plain_ms": round(found.plain_ms.median, 4),
            "fixed_ms": round(found.fixed_ms.median, 4),
            "largest_difference": found.largest_difference,
        }
    )


@contextmanager
def one_line_memory(device: "torch.device") -> Iterator[None]:
    """Say in one line that a device's memory does not suffice.

    Raises:
        ValueError: in the place of torch's own error.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ValueError(
            f"the memory of {device} does not suffice for this model and load"
        ) from error


def _build(
    model: str, sizes: "ModelSizes", device: "torch.device", dtype: str, *, random_weights: bool
) -> "tuple[Any, LlavaShape]":
    """Return a model on its device, and its sizes."""
    import torch

    kind: torch.dtype = getattr(torch, dtype)
    if random_weights:
        from budget.random_weights import random_model

        return random_model(sizes.config, device=device, dtype=kind), sizes.shape
    if Path(model).is_file():
        raise ValueError(f"{model} holds no weights; add --random-weights to run its shape")
    from budget.matryoshka import load_matryoshka

    loaded = load_matryoshka(model, "budget bench model", device=device, dtype=kind)
    return loaded.model, loaded.shape


def _print_found(found: "CostCalibration") -> None:
    where = found.machine
    batch, grids = f"batch of {found.batch_size}", f", {found.grids} grids" * (found.grids > 1)
    how = ", compiled" * found.compiled
    typer.echo(f"{found.model}{' (random weights)' * found.random_weights}: {where.device_name}")
    typer.echo(f"{where.device}, {where.threads} threads, {found.dtype}, {batch}{grids}{how}")
    typer.echo(
        f"{found.text_tokens} text tokens, {found.new_tokens} new ones; "
        f"ms per sample, medians of {found.repeats}"
    )
    typer.echo(f"vision tower and connector {_ms(found.vision_ms.median)} ms at every scale")
    memory, unit = scaled([rung.peak_bytes for rung in found.rungs], "B")
    flops, flops_unit = scaled([rung.flops for rung in found.rungs], "FLOPs")
    speeds, speed_unit = scaled(_speeds(found), "FLOP/s")
    columns = ("tokens", "prefill", "a token", "all ms", "quartiles", f"peak {unit}")
    rows = [
        (
            rung.num_visual_tokens,
            _ms(rung.prefill_ms.median),
            _ms(rung.decode_ms.median),
            _ms(rung.total_ms.median),
            f"{_ms(rung.total_ms.low)}-{_ms(rung.total_ms.high)}",
            memory[i],
            flops[i],
            speeds[i],
        )
        for i, rung in enumerate(found.rungs)
    ]
    print_table((*columns, flops_unit, speed_unit), rows)


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _speeds(found: "CostCalibration") -> list[float]:
    """Return the FLOPs per second that a whole answer reaches, at every scale."""
    return [1000 * rung.flops / rung.total_ms.median for rung in found.rungs]


def _as_json(found: "CostCalibration") -> dict[str, Any]:
    return {
        "model": found.model,
        "device": found.machine.device,
        "dtype": found.dtype,
        "compiled": found.compiled,
        "threads": found.machine.threads,
        "batch_size": found.batch_size,
        "grids": found.grids,
        "text_tokens": found.text_tokens,
        "new_tokens": found.new_tokens,
        "vision_ms": round(found.vision_ms.median, 4),
        "rungs": [
            {
                "num_visual_tokens": rung.num_visual_tokens,
                "prefill_ms": round(rung.prefill_ms.median, 4),
                "decode_ms": round(rung.decode_ms.median, 4),
                "total_ms": round(rung.total_ms.median, 4),
                "peak_bytes": rung.peak_bytes,
                "flops": rung.flops,
                "gflops_per_second": round(speed / 1e9, 3),
            }
            for rung, speed in zip(found.rungs, _speeds(found), strict=True)
        ],
    }
