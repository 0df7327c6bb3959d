"""The command ``budget demo``: the whole idea on the shipped weights, with a report.

    budget demo --out runs/demo
    budget demo --model mqt --out runs/demo-mqt

Writes frontier.png, examples.png, results.json, the curves of every split and the policy. Accuracy
is the share of held-out questions answered exactly; tokens are visual tokens per image. The last
line is one line of JSON.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from experiments.demo.flow import Demo

COLUMNS = (
    "",
    "accuracy %",
    "95 % interval",
    "visual tokens",
    "MFLOPs",
    "ms",
    "gap closed (stable)",
    "gap closed (any)",
)


def demo(
    model: Annotated[str, typer.Option(help="'m3', 'mqt' or a model folder.")] = "m3",
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("runs/demo"),
    fit: Annotated[int, typer.Option(help="Scenes to fit the policy on.", min=100)] = 3500,
    calibration: Annotated[int, typer.Option(help="Scenes to set its prices on.", min=50)] = 1250,
    test: Annotated[int, typer.Option(help="Held-out scenes to report on.", min=50)] = 2250,
    seed: Annotated[int, typer.Option(help="Seed of the fit and the bootstrap.")] = 0,
) -> None:
    """Run a model at every scale, fit a policy, answer held-out questions with fewer tokens."""
    import json
    import time

    from budget.console import print_json_line, print_table, progress, quiet_libraries

    quiet_libraries()
    start = time.monotonic()
    from budget import load_model
    from experiments.demo.figures import draw_examples, draw_frontier
    from experiments.demo.flow import Sizes, run_demo

    vlm = load_model(model)
    out.mkdir(parents=True, exist_ok=True)
    found = run_demo(
        vlm,
        out,
        sizes=Sizes(fit, calibration, test),
        seed=seed,
        watch=lambda split: progress(f"every scale on {split}", "answers"),
    )
    draw_frontier(found, out / "frontier.png")
    draw_examples(found, out / "examples.png")
    title = f"{vlm.name}: {test} held-out questions, all per sample"
    print_table(COLUMNS, [_cells(row) for row in found.rows], title)
    summary = _summary(vlm.name, found, time.monotonic() - start)
    typer.echo(_words(found, summary))
    typer.echo(f"report: {out}/frontier.png, {out}/examples.png, {out}/results.json")
    details = {**summary, "rows": [row._asdict() for row in found.rows]}
    (out / "results.json").write_text(json.dumps(_finite(details), indent=1) + "\n")
    print_json_line(summary)


def _cells(row: Any) -> list[str]:
    return [
        row.name,
        f"{100 * row.accuracy:.1f}",
        f"{100 * row.low:.1f} to {100 * row.high:.1f}",
        f"{row.mean_tokens:.1f}",
        f"{row.mean_flops / 1e6:.0f}",
        f"{row.mean_ms:.1f}",
        _percent(row.gap_closed_stable),
        _percent(row.gap_closed_any),
    ]


def _percent(share: float) -> str:
    return f"{round(100 * share)} %" if math.isfinite(share) else "-"


def _summary(name: str, found: "Demo", seconds: float) -> dict[str, Any]:
    """Return the last line: the policy is the one that is calibrated for no loss."""
    rows = {row.name: row for row in found.rows}
    policy = rows["policy, no-loss"]
    full = rows[f"fixed {found.curves.scales[-1]}"]
    area, grouped = found.areas["policy"], found.areas["per-group fixed"]
    return {
        "model": name,
        "n_test": len(found.answers),
        "full_accuracy": full.accuracy,
        "policy_accuracy": policy.accuracy,
        "policy_mean_tokens": policy.mean_tokens,
        "full_tokens": int(tokens) if (tokens := full.mean_tokens).is_integer() else tokens,
        "gap_closed_stable": area.gap.stable,
        "gap_closed_any": area.gap.any_correct,
        "gap_closed_stable_interval": list(area.stable),
        "gap_closed_any_interval": list(area.any_correct),
        "per_group_gap_closed_stable": grouped.gap.stable,
        "per_group_gap_closed_any": grouped.gap.any_correct,
        "flops_saved": 1 - policy.mean_flops / full.mean_flops,
        "adaptive_accuracy": found.adaptive_accuracy,
        "adaptive_ms": found.adaptive_ms,
        "full_ms": found.full_ms,
        "decision_ms": found.decision_ms,
        "seconds": round(seconds, 1),
    }


def _words(found: "Demo", summary: dict[str, Any]) -> str:
    low, high = summary["gap_closed_stable_interval"]
    return (
        f"Answering adaptively: {100 * summary['adaptive_accuracy']:.1f} % right with "
        f"{summary['policy_mean_tokens']:.1f} visual tokens instead of "
        f"{summary['full_tokens']:.4g} "
        f"({100 * summary['full_accuracy']:.1f} %), {100 * summary['flops_saved']:.0f} % fewer "
        f"FLOPs,\n{summary['adaptive_ms']:.1f} ms a sample instead of {summary['full_ms']:.1f} "
        f"(deciding takes {summary['decision_ms']:.2f} ms of it).\n"
        f"Over all budgets the policy closes {100 * summary['gap_closed_stable']:.0f} % "
        f"({100 * low:.0f} to {100 * high:.0f}) of the stable oracle's gap, one fixed scale per "
        f"group {100 * summary['per_group_gap_closed_stable']:.0f} %."
    )


def _finite(value: Any) -> Any:
    """Return the value with what is not finite as None, as JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
