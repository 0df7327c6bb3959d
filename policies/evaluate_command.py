"""What ``budget policy evaluate`` does, once its options are read."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from budget.console import print_json_line, progress
from policies.calibration_output import print_calibration, report_all, save_calibration
from policies.commands import print_evaluation
from policies.evaluation import EvaluationRow, evaluate
from policies.evaluation_files import Files
from policies.evaluation_inputs import Inputs, read_inputs
from policies.evaluation_summary import summarise
from policies.evaluation_tables import print_all, save_all
from policies.features_cache import SampleSource
from policies.flops_gap import flops_gap
from policies.lightgbm_policy import DEFAULT_PRICE
from policies.metrics_table import Table, measure
from policies.reading import Readers
from policies.slices import by_group


def run_evaluate(
    readers: Readers,
    source: SampleSource,
    files: Files,
    *,
    budgets: Sequence[float] = (),
    tier: str | None = None,
    out: Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Table:
    """Compare saved policies with every baseline on held-out curves; print, save, one JSON line.

    Args:
        readers: how files are read.
        source: gives features and hidden columns.
        files: where everything lies.
        budgets: mean visual tokens; five by default.
        tier: of the first policy; by default its attribute ``tier``, or "pre".
        out: folder for tables and figures; ``None`` saves nothing.
        resamples: of the bootstrap; groups take a fifth.
        seed: of the bootstrap and the random mix.

    Raises:
        BudgetError: if a file cannot be used.
        ValueError: if a budget lies outside the ladder.
    """
    start = time.perf_counter()
    inputs = read_inputs(readers, source, files, budgets)
    rng = np.random.default_rng(seed)
    with progress("Bootstrap", "resamples") as update:
        table = measure(inputs.contest, inputs.budgets, rng, resamples=resamples, progress=update)
    with progress("By group", "groups") as update:
        few = max(1, resamples // 5)
        groups = by_group(inputs.contest, inputs.budgets, rng, resamples=few, progress=update)
    rows = _rows(inputs, rng, resamples)
    summary = _summary(inputs, table, rows, tier)
    few = max(1, resamples // 5)
    summary |= _of_flops(inputs, np.random.default_rng(seed), few) | {
        "seconds": round(time.perf_counter() - start, 2)
    }
    print_evaluation(rows, title=f"{table.num_samples} samples of {files.split}")
    names = list(inputs.judged)
    print_all(table, groups, names)
    scales = inputs.contest.data.scales
    expected = {name: judged.expected for name, judged in inputs.judged.items()}
    reports = report_all(expected, inputs.contest.data.scores, seed, few)
    print_calibration(reports, scales)
    summary["ece"] = [rung.ece.value for rung in reports[names[0]]]
    if out is not None:
        save_all(out, table, groups, {"summary": summary})
        save_calibration(out, reports, scales)
        _draw(out, table, groups, inputs)
    print_json_line(summary)
    return table


def _rows(inputs: Inputs, rng: np.random.Generator, resamples: int) -> list[EvaluationRow]:
    """Return fixed scales, baselines, all policies at their named prices, and oracles."""
    rows: list[EvaluationRow] = []
    for name, judged in inputs.judged.items():
        own = evaluate(
            inputs.contest.data,
            expected=judged.expected,
            prices=judged.policy.prices,
            price_costs=judged.policy.rung_costs,
            group_expected=inputs.per_group and inputs.per_group.expected,
            group_costs=inputs.per_group and inputs.per_group.costs,
            decision_ms=judged.decision_ms,
            rng=rng,
            resamples=resamples,
        )
        if len(inputs.judged) > 1:
            own = [row._replace(name=row.name.replace("policy,", f"{name},")) for row in own]
        known = {row.name for row in rows}
        rows += [row for row in own if row.name not in known]
    return rows


def _summary(
    inputs: Inputs, table: Table, rows: list[EvaluationRow], tier: str | None
) -> dict[str, Any]:
    """Return the line of JSON: the first policy's figures, and those of the others by label."""
    data, names = inputs.contest.data, list(inputs.judged)
    first = inputs.judged[names[0]]
    by_name = {row.name: row for row in rows}
    price = by_name[f"{names[0] if len(names) > 1 else 'policy'}, {DEFAULT_PRICE}"]
    return {
        "policy": names[0],
        "tier": tier or getattr(first.policy, "tier", "pre"),
        "n": table.num_samples,
        "full_tokens": data.full_tokens,
        "full_accuracy": float(data.scores[:, -1].mean()),
        "policy_accuracy": price.accuracy,
        "policy_mean_tokens": price.mean_tokens,
        "decision_ms": first.decision_ms,
        **summarise(table, names[0]),
        "others": {name: summarise(table, name) for name in names[1:]},
    }


def _of_flops(inputs: Inputs, rng: np.random.Generator, resamples: int) -> dict[str, Any]:
    """Return the first policy's gap over all FLOPs of a sample, its own decision included."""
    first = next(iter(inputs.judged.values()))
    found = flops_gap(
        inputs.contest.data,
        first.expected,
        first.policy.rung_costs,
        rng,
        decision_flops=first.decision_flops,
        resamples=resamples,
    )
    if found is None:
        return {}
    return {
        "decision_flops": first.decision_flops,
        "gap_closed_stable_flops": found.gap.stable,
        "gap_closed_stable_flops_low": found.stable[0],
        "gap_closed_stable_flops_high": found.stable[1],
    }


def _draw(out: Path, table: Table, groups: Mapping[str, Table], inputs: Inputs) -> None:
    from policies.evaluation_figures import draw_frontiers, draw_groups

    names = list(inputs.judged)
    draw_frontiers(table, inputs.contest.data.rung_tokens, names, out / "frontier.png")
    draw_groups(groups, names, out / "groups.png")
