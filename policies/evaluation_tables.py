"""How an evaluation is shown: tables on the screen, CSV and JSON in a folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from budget.console import plain_values, print_table
from budget.errors import DataError
from policies.metrics_table import COLUMNS, Figure, Table, as_rows, write_csv
from policies.rules import ANY_CORRECT, CEILING, EXPECTED, PER_GROUP, RANDOM_MIX, STABLE

_ORACLES = (STABLE, ANY_CORRECT, EXPECTED)


def percent(figure: Figure, digits: int = 1) -> str:
    """Return a figure and its interval in percent; a dash for what is not a number.

    Example:
        >>> percent(Figure(0.4, 0.35, 0.45, 0.0)), percent(Figure(*[float("nan")] * 4))
        ('40.0 (35.0..45.0)', '-')
    """
    if not np.isfinite(figure.value):
        return "-"
    value, low, high = (f"{100 * x:.{digits}f}" for x in figure[:3])
    return f"{value} ({low}..{high})"


def rules_in(table: Table) -> list[str]:
    """Return the rules of a table, baselines first, oracles last."""
    names = list(dict.fromkeys(key.rule for key in table.figures))
    last = [name for name in (CEILING, *_ORACLES) if name in names]
    first = [name for name in (RANDOM_MIX, PER_GROUP) if name in names]
    return first + [name for name in names if name not in first + last] + last


def print_all(table: Table, groups: Mapping[str, Table], policies: Sequence[str]) -> None:
    """Print the comparison at equal tokens, over the range, as calibrated, and by group."""
    note = f"{table.num_samples} samples, % with 95 % intervals"
    _print_at(table, "accuracy", rules_in(table), f"Accuracy at equal mean tokens ({note})")
    for metric in ("over_per_group", "over_random_mix"):
        title = f"Points {metric.replace('_', ' ')} at equal mean tokens, paired"
        _print_at(table, metric, policies, title)
    _print_at(table, "gap_closed_stable", policies, "Gap closed (stable) at equal mean tokens")
    _print_range(table)
    _print_calibrated(table, policies)
    for policy in policies:
        _print_groups(groups, policy, table.budgets)


def _print_at(table: Table, metric: str, rules: Sequence[str], title: str) -> None:
    cells = [[percent(table.get(rule, metric, b)) for b in table.budgets] for rule in rules]
    if any(cell != "-" for row in cells for cell in row):
        columns = ("", *(f"{budget:.3g} tokens" for budget in table.budgets))
        print_table(columns, [(r, *c) for r, c in zip(rules, cells, strict=True)], title)


def _print_range(table: Table) -> None:
    wide = {
        "gap, stable": "gap_closed_stable",
        "gap, any": "gap_closed_any",
        "gap, expected": "gap_closed_expected",
        "saved at 0": "saving_no_loss",
        "saved at 0.5": "saving_half_point",
        "saved at 1.0": "saving_one_point",
    }
    rules = rules_in(table)
    kept = {
        title: metric
        for title, metric in wide.items()
        if any(np.isfinite(table.get(rule, metric).value) for rule in rules)
    }
    rows = [(rule, *(percent(table.get(rule, m)) for m in kept.values())) for rule in rules]
    print_table(("", *kept), rows, "Over the range; tokens saved within points of the full scale")
    others = ("apgr", "aiq", "nauc", "qnc")
    rows = [(rule, *(percent(table.get(rule, m)) for m in others)) for rule in rules]
    print_table(("", "APGR", "AIQ", "nAUC", "QNC"), rows, "As others measure, %")


def _print_calibrated(table: Table, policies: Sequence[str]) -> None:
    """Print what really came of prices that were set on the calibration split."""
    rows = []
    for policy in policies:
        for budget in table.budgets:
            own = {
                name: table.get(policy, f"calibrated_{name}", budget)
                for name in ("tokens", "accuracy", "over_per_group", "flops_saved", "ms_saved")
            }
            if np.isfinite(own["tokens"].value):
                spent = f"{own['tokens'].value:.2f}"
                solved = percent(table.get(policy, "accuracy", budget))
                cells = [percent(own[name]) for name in list(own)[1:]]
                rows.append((policy, f"{budget:.3g}", spent, cells[0], solved, *cells[1:]))
    columns = (
        "",
        "budget",
        "tokens spent",
        "accuracy, calibrated",
        "accuracy, solved here",
        "over per group",
        "FLOPs saved",
        "ms saved",
    )
    if rows:
        print_table(columns, rows, "Price of the calibration split, on these samples")


def _print_groups(groups: Mapping[str, Table], policy: str, budgets: Sequence[float]) -> None:
    middle = budgets[len(budgets) // 2]
    rows = [
        (
            name,
            table.num_samples,
            percent(table.get(policy, "gap_closed_stable")),
            percent(table.get(CEILING, "gap_closed_stable")),
            percent(table.get(policy, "saving_half_point")),
            _tokens(table.get(policy, "calibrated_tokens", middle)),
            percent(table.get(policy, "calibrated_over_random_mix", middle)),
        )
        for name, table in groups.items()
    ]
    columns = (
        "group",
        "n",
        "gap, stable",
        "told difficulty",
        "saved at 0.5",
        f"tokens of {middle:.3g}",
        "over random mix",
    )
    print_table(columns, rows, f"{policy}, group by group")


def _tokens(figure: Figure) -> str:
    return f"{figure.value:.1f}" if np.isfinite(figure.value) else "-"


def save_all(
    out: Path, table: Table, groups: Mapping[str, Table], about: Mapping[str, Any]
) -> None:
    """Write ``metrics.csv``, ``frontiers.csv``, ``groups.csv`` and ``evaluation.json``.

    Raises:
        DataError: if the folder cannot be written.
    """
    by_group = [
        (name, own.num_samples, *row)
        for name, own in groups.items()
        for row in as_rows(own.figures)
    ]
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(out / "metrics.csv", COLUMNS, as_rows(table.figures))
        write_csv(out / "frontiers.csv", COLUMNS, as_rows(table.frontiers))
        write_csv(out / "groups.csv", ("group", "n", *COLUMNS), by_group)
        content = {
            **about,
            "columns": COLUMNS,
            "figures": as_rows(table.figures),
            "frontiers": as_rows(table.frontiers),
            "groups": {name: as_rows(own.figures) for name, own in groups.items()},
        }
        text = json.dumps(plain_values(content), allow_nan=False, indent=1)
        (out / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"results cannot be written to {out}: {error.strerror}") from error
