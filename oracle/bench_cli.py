"""The command ``budget bench oracle``: what running every scale at once saves.

    budget bench oracle --model m3 --rounds 5
    budget bench oracle --model config.json --random-weights --device cuda --dtype bfloat16

The last line is JSON: median seconds a sample of each way, see ``oracle.sweep_bench``.
"""

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
from budget.device_options import DeviceOption, DtypeOption
from budget.options import dtype_on

if TYPE_CHECKING:
    from budget.llava import LlavaRunner
    from oracle.sweep_bench import SweepTimes

_SAID = {
    "authors_way": "one sample and scale at a time, encoded each time",
    "per_scale": "in batches, scale by scale, encoded each time",
    "sweep": "every scale at once",
    "full_pass": "the largest scale alone",
}


@one_line_errors()
def oracle(
    model: Annotated[
        str,
        typer.Option(help="m3, mqt, a folder, a hub id; a config.json with random weights."),
    ] = "m3",
    data: Annotated[
        str, typer.Option(help="As 'oracle run' takes it; columns id, image and question.")
    ] = "scenes",
    split: Annotated[str, typer.Option(help="Split, where the data has several.")] = "test",
    batch_size: Annotated[int, typer.Option(help="Samples of a round and a batch.", min=1)] = 32,
    rounds: Annotated[int, typer.Option(help="Measurements of every way.", min=1)] = 5,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer, in tokens.", min=1)] = 8,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Run the model's shape alone.")
    ] = False,
    device: DeviceOption = "cpu",
    dtype: DtypeOption = None,
) -> None:
    """Measure an oracle's sweep against three other ways to run the same samples."""
    quiet_libraries()
    from oracle.data import load_dataset_columns
    from oracle.sweep_bench import WAYS, time_sweep

    runner = _load(model, device, dtype, random_weights=random_weights)
    rows = load_dataset_columns(
        data, split, ("id", "image", "question"), batch_size * rounds, say=say
    )
    pictures = rows.select_columns(["image"])
    with progress(f"{runner.name} in {len(WAYS)} ways", "measurements") as update:
        found = time_sweep(
            runner,
            lambda row: pictures[row]["image"],
            rows["question"][:],
            batch_size=batch_size,
            rounds=rounds,
            max_new_tokens=max_new_tokens,
            progress=update,
        )
    _print(found, runner)
    print_json_line(_as_json(found, runner))


def _load(model: str, device: str, dtype: str | None, *, random_weights: bool) -> "LlavaRunner":
    import torch

    from budget.placement import check_device

    place = check_device(device)
    name = dtype_on(place.type, dtype)
    kind: torch.dtype = getattr(torch, name)
    if random_weights:
        from budget.config_files import read_sizes
        from budget.random_runner import random_runner

        return random_runner(read_sizes(model), device=place, dtype=kind)
    if Path(model).is_file():
        raise ValueError(f"{model} holds no weights; add --random-weights to run its shape")
    from budget.matryoshka import load_matryoshka

    return load_matryoshka(model, "budget bench oracle", device=place, dtype=kind)


def _print(found: "SweepTimes", runner: "LlavaRunner") -> None:
    rows = []
    for way, said in _SAID.items():
        taken = [1000 * seconds for seconds in found.seconds[way]]
        ratio, least, most = found.ratio(way, "sweep")
        rows.append(
            (
                said,
                f"{1000 * found.median(way):.2f}",
                f"{min(taken):.2f}-{max(taken):.2f}",
                f"{ratio:.2f} ({least:.2f}-{most:.2f})",
            )
        )
    scales = ", ".join(map(str, runner.ladder))
    title = (
        f"{runner.name} at {scales} tokens on {runner.device}, {found.samples} samples a batch; "
        "medians and ranges over rounds"
    )
    print_table(("way", "ms a sample", "range", "over every scale at once"), rows, title)
    over, least, most = found.ratio("sweep", "full_pass")
    typer.echo(
        f"every scale takes {over:.2f} ({least:.2f}-{most:.2f}) times the largest alone; the FLOPs "
        f"that it cannot do without are {found.floor_over_full:.2f} times\n"
        f"answers as scale by scale: {100 * found.same_answers:.2f} %"
    )


def _as_json(found: "SweepTimes", runner: "LlavaRunner") -> dict[str, Any]:
    import torch

    return {
        "model": runner.name,
        "device": str(runner.device),
        "threads": torch.get_num_threads(),
        "batch_size": found.samples,
        **{way: round(found.median(way), 6) for way in _SAID},
        "authors_way_over_sweep": [round(x, 3) for x in found.ratio("authors_way", "sweep")],
        "per_scale_over_sweep": [round(x, 3) for x in found.ratio("per_scale", "sweep")],
        "sweep_over_full": [round(x, 3) for x in found.ratio("sweep", "full_pass")],
        "floor_over_full": round(found.floor_over_full, 4),
        "same_answers": round(found.same_answers, 6),
    }
