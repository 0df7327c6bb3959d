"""Serve streams under a governor, print what became of them, and one line of JSON."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np

from budget.budgets import Budget
from budget.console import print_json_line, print_table, progress
from budget.errors import DataError, PolicyError
from budget.governor import Governor
from policies.governing import Held, Rivals, Served, compare, streams
from policies.hull import FloatArray
from policies.judging import Judged
from policies.reading import CurveTable
from policies.rung_means import rung_means

_SHIFTS = ("easy_then_hard", "hard_then_easy")
Unit = Literal["tokens", "flops"]


def run_govern(
    label: str,
    judged: Judged,
    table: CurveTable,
    *,
    unit: Unit,
    means: Sequence[float],
    orders: int,
    length: int,
    largest_batch: int,
    step: float,
    seed: int,
) -> None:
    """Serve and report; see :func:`policies.govern_cli.govern`.

    Raises:
        DataError: if the curves lack FLOPs, where those are to be held.
        ValueError: if a mean cannot be held, or there are too few samples.
    """
    begun = time.perf_counter()
    served = served_of(judged, table, unit)
    at = list(means) or even_means(served.costs)
    kinds = streams(served, length)
    found: dict[float, dict[str, Rivals]] = {}
    with progress("streams", "kinds") as update:
        for mean in at:
            price = start_price(judged, unit, mean)
            found[mean] = {}
            for name, draw in kinds.items():
                found[mean][name] = compare(
                    served,
                    mean,
                    draw,
                    make=partial(Governor, served.costs, mean=mean, unit=unit),
                    price=price,
                    step=step,
                    orders=orders,
                    largest_batch=largest_batch,
                    seed=seed,
                )
                update(sum(map(len, found.values())), len(at) * len(kinds))
    _print(found, unit, length)
    print_json_line(
        {
            "policy": label,
            "unit": unit,
            "orders": orders,
            "length": length,
            "largest_batch": largest_batch,
            **headlines(found, length),
            "means": {
                f"{mean:g}": {k: as_json(v) for k, v in by.items()} for mean, by in found.items()
            },
            "seconds": round(time.perf_counter() - begun, 1),
        }
    )


def served_of(judged: Judged, table: CurveTable, unit: Unit) -> Served:
    """Return the samples to draw from; planned costs are their means over the samples.

    Raises:
        DataError: if FLOPs are wanted and not known.
    """
    if unit == "flops" and not np.isfinite(table.flops).all():
        raise DataError("the curves know no FLOPs; hold tokens")
    paid = table.flops if unit == "flops" else table.num_visual_tokens.astype(np.float64)
    return Served(judged.expected, table.scores, rung_means(paid), paid, table.groups)


def even_means(costs: FloatArray) -> list[float]:
    """Return three means between the cheapest and the full rung, evenly in log.

    Example:
        >>> [round(mean) for mean in even_means(np.array([1.0, 4.0, 16.0, 256.0]))]
        [4, 16, 64]
    """
    means: list[float] = np.geomspace(costs[0], costs[-1], 5)[1:-1].tolist()
    return means


def start_price(judged: Judged, unit: Unit, mean: float) -> float:
    """Return what the policy's calibration says that a mean takes; 0.1 where it says nothing."""
    budget = Budget(mean_tokens=mean) if unit == "tokens" else Budget(mean_flops=mean)
    try:
        return judged.policy.price_of(budget)
    except PolicyError:
        return 0.1


def headlines(found: dict[float, dict[str, Rivals]], length: int) -> dict[str, float]:
    """Return the mean and the worst error over all means, without and with a shift."""
    figures: dict[str, float] = {}
    for prefix, kinds in (("", ("mixed",)), ("shift_", _SHIFTS)):
        for who in Rivals._fields:
            runs = [r for by in found.values() for kind in kinds for r in getattr(by[kind], who)]
            errors = np.abs([run.error for run in runs])
            name = f"{'' if who == 'governor' else who + '_'}{prefix}"
            figures[f"{name}error_after_{length}_mean"] = float(errors.mean())
            figures[f"{name}error_after_{length}_worst"] = float(errors.max())
            figures[f"{name}lost"] = float(np.mean([run.lost for run in runs]))
    return figures


def as_json(rivals: Rivals) -> dict[str, Any]:
    """Return figures of both by name."""
    return {who: _figures(getattr(rivals, who)) for who in Rivals._fields}


def _figures(runs: Sequence[Held]) -> dict[str, float]:
    errors = np.abs([run.error for run in runs])
    return {
        "error_mean": float(errors.mean()),
        "error_worst": float(errors.max()),
        "lost": float(np.mean([run.lost for run in runs])),
        "most_ahead": float(np.mean([run.most_ahead for run in runs])),
        "most_ahead_worst": float(np.max([run.most_ahead for run in runs])),
        "after_shift": float(np.mean([run.after_shift for run in runs])),
    }


def _print(found: dict[float, dict[str, Rivals]], unit: str, length: int) -> None:
    columns = (
        "mean, stream",
        "error",
        "worst",
        "points lost",
        "debt",
        "stepped: error",
        "worst",
        "lost",
    )
    rows = []
    for mean, by in found.items():
        for kind, rivals in by.items():
            own, other = (_figures(runs) for runs in rivals)
            rows.append(
                (
                    f"{mean:.3g} {unit}, {kind}",
                    f"{own['error_mean']:.2%}",
                    f"{own['error_worst']:.2%}",
                    f"{100 * own['lost']:.2f}",
                    f"{own['most_ahead']:.1f}",
                    f"{other['error_mean']:.2%}",
                    f"{other['error_worst']:.2%}",
                    f"{100 * other['lost']:.2f}",
                )
            )
    print_table(columns, rows, f"Mean costs after {length} requests")
