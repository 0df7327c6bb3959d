"""The command ``budget bench throughput``: what a policy's choices gain in samples a second.

    budget bench throughput --samples 1920 --times times.json

Prints a table, and as its last line JSON.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from budget.console import (
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
    say,
)

if TYPE_CHECKING:
    from budget.llava import LlavaRunner
    from budget.time_model import TimeModel
    from experiments.throughput_report import Comparison
    from policies.lightgbm_policy import ScorePolicy
    from policies.post_vision import PostVisionPolicy

_DROPS = (0.0025, 0.005)
_MAX_NEW_TOKENS = 16
_TEXT_TOKENS = 32


@one_line_errors()
def throughput(
    model: Annotated[
        str, typer.Option(help="A shipped model with a policy and curves: m3.")
    ] = "m3",
    samples: Annotated[int, typer.Option(help="Scenes of the test split.", min=1)] = 960,
    batch_size: Annotated[int, typer.Option(help="Samples that come together.", min=1)] = 32,
    repeats: Annotated[int, typer.Option(help="Times that each batch is answered.", min=1)] = 3,
    drop: Annotated[
        list[float] | None,
        typer.Option(
            help="Score that a price may lose on the calibration split; can be given repeatedly.",
            show_default="0.0025 and 0.005",
            min=0,
        ),
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option(help="What `budget bench times` wrote.", show_default="measured before"),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of resamples.")] = 0,
) -> None:
    """Answer scenes at full scale and adaptively, batch by batch in turn, and compare.

    Prices are the largest ones that lose at most DROP on the calibration split (on others as much
    on average at best, so half as much is asked too), and the policy's own "aggressive". Each is
    run with one call per scale, padded to one call, and scheduled. Time is wall time from pictures
    and questions to answers, the decision included.
    """
    quiet_libraries()
    import numpy as np
    import torch

    from budget.matryoshka import load_matryoshka
    from budget.shipped import shipped_folder
    from experiments.scenes.data import load_scenes
    from experiments.throughput import time_ways, ways_of
    from experiments.throughput_report import compare
    from policies.policy_files import load_policy

    torch.set_num_threads(threads)
    loaded = load_matryoshka(model, "budget bench throughput")
    policy = load_policy(shipped_folder(model) / "policy")
    prices = _prices(model, policy, drop or _DROPS)
    batches = _times(loaded, times, batch_size, threads)
    data = load_scenes("test", samples)
    load = {"batch_size": batch_size, "max_new_tokens": _MAX_NEW_TOKENS}
    ways = ways_of(loaded, policy, prices, times=batches, **load)
    pictures, questions = list(data["image"]), list(data["question"])
    with progress(f"{len(ways)} ways of answering", "batches") as update:
        found = time_ways(
            ways, pictures, questions, batch_size=batch_size, repeats=repeats, progress=update
        )
    rng = np.random.default_rng(seed)
    compared = compare(
        found, data["answers"], list(prices), times=batches, batch_size=batch_size, rng=rng
    )
    _print(compared, f"{model}, batches of {batch_size}, {threads} threads")
    about = {"model": model, "batch_size": batch_size, "repeats": repeats, "threads": threads}
    errors = {
        "prefill_error": round(batches.prefill_error.median, 4),
        "step_error": round(batches.step_error.median, 4),
    }
    print_json_line({**about, "prices": prices, **compared.as_json(), **errors})


def _prices(
    model: str, policy: "ScorePolicy | PostVisionPolicy", drops: Sequence[float]
) -> dict[str, float]:
    """Return the prices that may lose so much, and the policy's aggressive one."""
    from experiments.scenes.curves import shipped_curves
    from oracle.curves import read_curves
    from policies.allocation import largest_price
    from policies.lightgbm_policy import ScorePolicy

    table = (policy if isinstance(policy, ScorePolicy) else policy.pricing).table
    full = float(read_curves(shipped_curves(model, "calibration")).scores[:, -1].mean())
    found = {
        f"drop {100 * drop:g}": largest_price(table.prices, table.scores, full - drop)
        for drop in drops
    }
    return {**found, "aggressive": policy.prices["aggressive"]}


def _times(model: "LlavaRunner", path: Path | None, batch_size: int, threads: int) -> "TimeModel":
    """Return a time model that was measured for this model and number of threads.

    Raises:
        ValueError: if the one that is given was not.
    """
    from budget.time_bench import Extent, measure_times
    from budget.time_model import read_times

    if path is None:
        extent = Extent(batch_size, model.ladder[-1] + _TEXT_TOKENS)
        with progress(f"batches of {model.name}", "rounds") as update:
            return measure_times(model, extent, new_tokens=2, repeats=5, progress=update)
    found = read_times(path)
    if (found.model, found.machine.threads) != (model.name, threads):
        raise ValueError(
            f"{path} was measured for {found.model} on {found.machine.threads} threads, "
            f"not for {model.name} on {threads}"
        )
    if found.max_rows < batch_size:
        say(f"{path} knows batches of up to {found.max_rows}; larger ones are extrapolated")
    return found


def _print(compared: "Comparison", title: str) -> None:
    columns = (
        "way",
        "accuracy",
        "points lost",
        "tokens",
        "decision ms",
        "a second",
        "speed-up",
        "possible",
        "share",
    )
    table = [
        (
            row.way,
            f"{row.accuracy:.2%}",
            f"{100 * row.loss:.2f} ({_ends(row.loss_interval, 100, 1)})",
            f"{row.mean_tokens:.1f}",
            f"{row.decision_ms:.2f}",
            f"{row.samples_per_second:.1f}",
            f"{row.speed_up:.2f} ({_ends(row.speed_up_interval, 1, 2)})",
            f"{row.possible:.2f}",
            f"{row.share:.1%}",
        )
        for row in compared.rows
    ]
    print_table(columns, table, f"{compared.samples} scenes, {title}")
    for each in compared.mixed:
        low, high = each["interval"]
        typer.echo(
            f"{each['price']}: schedule {each['schedule_gain']:.3f} ({low:.3f} to {high:.3f}) "
            f"times as fast as always {each['better']}, the better of the two"
        )


def _ends(ends: tuple[float, float], factor: float, digits: int) -> str:
    low, high = ends
    return f"{factor * low:.{digits}f} to {factor * high:.{digits}f}"
