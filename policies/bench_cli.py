"""The command ``budget bench decide``: what a policy's decision takes.

    budget bench decide --policy runs/demo/policy

The last line is JSON: milliseconds of one request and decisions a second in batches, on one core.
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
)

if TYPE_CHECKING:
    from policies.decision_bench import DecisionTimes


@one_line_errors()
def decide(
    policy: Annotated[
        str, typer.Option(help="Folder of a policy, or the shipped m3 or mqt.")
    ] = "m3",
    repeats: Annotated[
        int, typer.Option(help="Requests of every kind; batches are a tenth.", min=1)
    ] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the pictures.")] = 0,
) -> None:
    """Measure how long a policy takes to decide: features, prediction and choice, on one core.

    Requests are photographs of 336 x 336 and of 1920 x 1080, decoded or as the bytes of a JPEG,
    one at a time; and batches of 64 at 336 x 336.
    """
    quiet_libraries()
    import numpy as np

    from policies.decision_bench import time_decisions
    from policies.policy_files import load_policy

    loaded = load_policy(_folder(policy))
    with progress("decisions", "kinds") as update:
        found = time_decisions(
            loaded, repeats=repeats, rng=np.random.default_rng(seed), progress=update
        )
    _print(found)
    print_json_line({"policy": policy, "rungs": len(loaded.ladder), **as_json(found)})


def _folder(policy: str) -> Path:
    from budget.shipped import SHIPPED, shipped_folder

    return shipped_folder(policy) / "policy" if policy in SHIPPED else Path(policy)


def _print(found: "DecisionTimes") -> None:
    kinds = ("decoded, 336 x 336", "decoded, 1920 x 1080", "JPEG, 1920 x 1080", "64 of 336 x 336")
    rows = [
        (kind, *(f"{ms:.2f}" for ms in latency)) for kind, latency in zip(kinds, found, strict=True)
    ]
    print_table(("request", "p50 ms", "p99 ms", "processor ms"), rows, "one decision, on one core")


def as_json(found: "DecisionTimes") -> dict[str, Any]:
    """Return the figures by name: milliseconds a request, decisions a second in batches."""
    from policies.decision_bench import BATCH

    names = {"336": found.square, "1080p": found.screen, "jpeg_1080p": found.jpeg}
    figures = {
        f"{key}_ms_{name}": round(value, 4)
        for name, latency in names.items()
        for key, value in latency._asdict().items()
    }
    return {
        **figures,
        "per_second_batch64": round(1e3 * BATCH / found.batch.p50, 1),
        "cpu_per_second_batch64": round(1e3 * BATCH / found.batch.cpu_p50, 1),
    }
