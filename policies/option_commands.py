"""What ``budget policy fit`` and ``evaluate`` do with a table of options."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from budget.console import print_json_line, print_table, say
from budget.data_choice import DataChoice
from policies.allocation import choose_rungs
from policies.gaps import GapInterval
from policies.option_evaluation import (
    FrontierFigures,
    OptionEvaluator,
    OptionRow,
    evaluate_options,
    frontier_figures,
    option_gap_areas,
)
from policies.option_files import read_option_table
from policies.option_policy import DEFAULT_PRICE, OptionPolicy, fit_option_policy
from policies.option_policy_files import load_option_policy
from policies.option_table import OptionTable, all_equal
from policies.per_group import PerGroupScores
from policies.scores import LightGBMScores
from policies.shared_scores import SharedScores
from policies.shares import Shares, SplitTable, split_table

# Under so few samples a fit can say little more than what options score on average.
_FEW = 200


class TableSource(NamedTuple):
    """Which table is read, and how.

    Attributes:
        path: of the file.
        layout: name of the layout, None to find it in the columns.
        options: which options, all if empty.
        choice: which columns are what.
    """

    path: Path
    layout: str | None = None
    options: Sequence[str] = ()
    choice: DataChoice = DataChoice()


def run_table_fit(
    source: TableSource,
    *,
    out: Path,
    shares: Shares,
    group_feature: bool,
    monotone: bool,
    seed: int,
    threads: int,
) -> OptionPolicy:
    """Fit a policy on a share of a table, find its prices on another, save and describe it.

    Raises:
        BudgetError: if the table cannot be used.
    """
    start = time.perf_counter()
    table = _read(source)
    parts = split_table(table, shares)
    _say_what_is_trivial(parts)
    policy = fit_option_policy(
        parts,
        shares=shares,
        group_feature=group_feature,
        predictor=SharedScores(
            LightGBMScores(monotone=monotone, random_state=seed, num_threads=threads),
            random_state=seed,
        ),
    )
    policy.save(out)
    _print_prices(policy, parts.calibration)
    best = int(parts.calibration.scores.mean(axis=0).argmax())
    print_json_line(
        {
            "policy": str(out),
            "table": str(source.path),
            **_counts(table, parts),
            "n_features": _num_features(policy),
            "options": list(policy.options),
            "option_costs": policy.option_costs,
            "prices": policy.prices,
            "best_option": policy.options[best],
            "best_option_score": float(parts.calibration.scores[:, best].mean()),
            "seconds": round(time.perf_counter() - start, 2),
        }
    )
    return policy


def _read(source: TableSource) -> OptionTable:
    return read_option_table(
        source.path, layout=source.layout, options=source.options, choice=source.choice
    )


def _say_what_is_trivial(parts: SplitTable) -> None:
    if all_equal(parts.fit.scores):
        say(
            "no option ever scores differently from another in the fit share: "
            f"the policy always takes the cheapest, {parts.fit.options[0]}"
        )
    elif len(parts.fit) < _FEW:
        say(f"{len(parts.fit)} samples to fit on are few; expect little more than means")


def _counts(table: OptionTable, parts: SplitTable) -> dict[str, int]:
    return {
        "n": len(table),
        "n_fit": len(parts.fit),
        "n_calibration": len(parts.calibration),
        "n_test": len(parts.test),
    }


def _num_features(policy: OptionPolicy) -> int:
    from policies.text_features import text_schema

    return len(text_schema(policy.groups))


def _print_prices(policy: OptionPolicy, held_out: OptionTable) -> None:
    expected = policy.predict_scores(held_out.prompts, groups=held_out.groups)
    rows = []
    for name, price in policy.prices.items():
        chosen = choose_rungs(expected, policy.option_costs, price)
        each = np.arange(len(chosen))
        score, cost = held_out.scores[each, chosen].mean(), held_out.costs[each, chosen].mean()
        rows.append((name, f"{price:.4g}", f"{score:.3f}", f"{cost:.4g}"))
    print_table(("price", "value", "calibration score", "mean cost"), rows, "Prices")


def run_table_evaluate(
    source: TableSource, *, policy_folder: Path, resamples: int, seed: int
) -> list[OptionRow]:
    """Evaluate a saved policy on the test share of a table and print the result.

    The share is the one that the policy was not fitted on: the policy knows how its table was
    divided.

    Raises:
        BudgetError: if a file cannot be used.
    """
    start = time.perf_counter()
    policy = load_option_policy(policy_folder)
    table = _read(source).with_options(policy.options)
    parts = split_table(table, policy.shares)
    fit, test = (part.with_options(policy.options) for part in (parts.fit, parts.test))
    began = time.perf_counter()
    rules = {"policy": policy.predict_scores(test.prompts, groups=test.groups)}
    decision_ms = (time.perf_counter() - began) * 1000 / len(test)
    rules["per-group fixed"] = PerGroupScores().fit(fit.groups, fit.scores).predict(test.groups)
    costs = policy.option_costs
    evaluator = OptionEvaluator(test, costs, np.random.default_rng(seed), resamples=resamples)
    rows = evaluate_options(
        evaluator,
        expected=rules["policy"],
        prices=policy.prices,
        group_expected=rules["per-group fixed"],
    )
    areas = option_gap_areas(
        test, costs, rules, rng=np.random.default_rng(seed), resamples=max(1, resamples // 5)
    )
    print_options(rows, title=f"{len(test)} held-out samples of {source.path.name}")
    print_json_line(
        {
            "policy": str(policy_folder),
            "table": str(source.path),
            **_counts(table, parts),
            **summarise_options(rows, areas, frontier_figures(evaluator, rules["policy"])),
            "decision_ms": decision_ms,
            "seconds": round(time.perf_counter() - start, 2),
        }
    )
    return rows


def print_options(rows: list[OptionRow], *, title: str = "") -> None:
    """Print rows as a table; what means nothing is a dash."""
    cells = [
        (
            row.name,
            f"{row.score:.3f}",
            f"{row.low:.3f}-{row.high:.3f}",
            f"{row.mean_cost:.4g}",
            *(f"{gap:.0%}" if np.isfinite(gap) else "-" for gap in row[-2:]),
        )
        for row in rows
    ]
    print_table(("", "score", "95 %", "mean cost", "gap, stable", "gap, any"), cells, title)


def summarise_options(
    rows: list[OptionRow], areas: dict[str, GapInterval], figures: FrontierFigures
) -> dict[str, Any]:
    """Return the figures of an evaluation by name, as its line of JSON says them.

    ``gap_closed_*`` are areas; NaN and infinite figures are left for JSON to call null.
    """
    by_name = {row.name: row for row in rows}
    best = max((row for row in rows if row.name.startswith("always ")), key=lambda row: row.score)
    default, policy = by_name[f"policy, {DEFAULT_PRICE}"], areas["policy"]
    return {
        "best_option": best.name.removeprefix("always "),
        "best_option_score": best.score,
        "best_option_cost": best.mean_cost,
        "policy_score": default.score,
        "policy_mean_cost": default.mean_cost,
        "gap_closed_stable": policy.gap.stable,
        "gap_closed_stable_95": list(policy.stable),
        "gap_closed_any": policy.gap.any_correct,
        "gap_closed_any_95": list(policy.any_correct),
        "per_group_gap_closed_stable": areas["per-group fixed"].gap.stable,
        "per_group_gap_closed_any": areas["per-group fixed"].gap.any_correct,
        **figures._asdict(),
    }
