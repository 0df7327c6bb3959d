"""What the policy commands do, once their options are read."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from budget.console import print_json_line, print_table, progress
from budget.errors import DataError, PolicyError
from policies.allocation import choose_rungs
from policies.evaluation import EvaluationRow, Measured, evaluate, gap_areas, measured
from policies.families import known_settings, make_estimator, parse_settings
from policies.gaps import GapInterval
from policies.hull import FloatArray
from policies.lightgbm_policy import DEFAULT_PRICE, ScorePolicy, fit_score_policy
from policies.per_group import PerGroupScores
from policies.policy_files import load_policy
from policies.reading import CurveTable, Readers, Split, read_split, same_ladder
from policies.rung_costs import rung_costs
from policies.settings_file import read_settings

DEFAULT_FAMILY = "lightgbm"


def run_fit(
    readers: Readers,
    *,
    curves: Path,
    calibration: Path,
    data: str,
    out: Path,
    fit_split: str,
    calibration_split: str,
    cost: str,
    family: str | None,
    settings: Sequence[str],
    seed: int,
    threads: int,
    settings_file: Path | None = None,
) -> ScorePolicy:
    """Fit, calibrate, save and describe a policy.

    Raises:
        BudgetError: if a file cannot be used.
    """
    start = time.perf_counter()
    # Before the features, which take long: what cannot be used is refused at once.
    family, said = _asked_for(family, settings_file)
    common = known_settings(family, {"random_state": seed, "num_threads": threads})
    predictor = make_estimator(family, **common | said | parse_settings(family, settings))
    prices_on = rung_costs(cost, readers.curves(curves), model=readers.about(curves).get("model"))
    fit = _read(readers, curves, data, fit_split)
    held_out = _read(readers, calibration, data, calibration_split)
    ladder = same_ladder(
        (str(curves), fit.curves.scales), (str(calibration), held_out.curves.scales)
    )
    _refuse_overlap(fit.curves, held_out.curves)
    policy = fit_score_policy(
        fit_features=fit.features,
        fit_scores=fit.curves.scores,
        calibration_features=held_out.features,
        calibration_scores=held_out.curves.scores,
        ladder=ladder,
        rung_costs=prices_on.costs,
        cost_unit=prices_on.unit,
        predictor=predictor,
    )
    policy.save(out)
    rows = _price_rows(policy, held_out)
    print_table(("price", "value", "calibration accuracy", "mean tokens"), rows, "Prices")
    print_json_line(
        {
            "policy": str(out),
            "family": family,
            "n_fit": len(fit.features),
            "n_calibration": len(held_out.features),
            "n_features": fit.features.shape[1],
            "ladder": list(ladder),
            "cost": prices_on.unit,
            "rung_costs": prices_on.costs,
            "prices": policy.prices,
            "full_accuracy": float(held_out.curves.scores[:, -1].mean()),
            "seconds": round(time.perf_counter() - start, 2),
        }
    )
    return policy


def _asked_for(family: str | None, path: Path | None) -> tuple[str, dict[str, Any]]:
    """Return the family to fit, and its settings in a file where there is one.

    Raises:
        PolicyError: if the file cannot be read or is of another family than the one given.
    """
    if path is None:
        return family or DEFAULT_FAMILY, {}
    said = read_settings(path)
    if family not in (None, said.family):
        raise PolicyError(f"{path} has settings of the family {said.family!r}, not of {family!r}")
    return said.family, dict(said.settings)


def _read(readers: Readers, curves: Path, data: str, split: str) -> Split:
    with progress(f"Features of {split}", "samples") as update:
        return read_split(readers, curves=curves, data=data, split=split, progress=update)


def _refuse_overlap(fit: CurveTable, calibration: CurveTable) -> None:
    """Refuse to calibrate on samples that were fitted on: the prices would promise too much."""
    shared = np.intersect1d(fit.sample_ids, calibration.sample_ids)
    if len(shared):
        raise DataError(
            f"the fit and the calibration curves share {len(shared)} samples, "
            f"for example {str(shared[0])!r}; they must have none in common"
        )


def _price_rows(policy: ScorePolicy, split: Split) -> list[tuple[str, ...]]:
    expected, scores = policy.predictor.predict(split.features), split.curves.scores
    tokens = np.array(policy.ladder.scales)
    rows: list[tuple[str, ...]] = []
    for name, price in policy.prices.items():
        rungs = choose_rungs(expected, policy.rung_costs, price)
        accuracy = scores[np.arange(len(rungs)), rungs].mean()
        rows.append((name, f"{price:.4f}", f"{accuracy:.3f}", f"{tokens[rungs].mean():.1f}"))
    return rows


def run_evaluate(
    readers: Readers,
    *,
    policy_folder: Path,
    curves: Path,
    data: str,
    split: str,
    fit_curves: Path | None,
    resamples: int,
    seed: int,
) -> list[EvaluationRow]:
    """Evaluate a saved policy on curves and print the table and one line of JSON.

    Raises:
        BudgetError: if a file cannot be used.
    """
    start = time.perf_counter()
    policy = load_policy(policy_folder)
    held_out = _read(readers, curves, data, split)
    ladder = same_ladder(
        (str(policy_folder), policy.ladder.scales), (str(curves), held_out.curves.scales)
    )
    table = _measured(held_out.curves)
    began = time.perf_counter()
    rules = {"policy": policy.predictor.predict(held_out.features)}
    predict_ms = (time.perf_counter() - began) * 1000 / len(table.scores)
    if fit_curves is not None:
        rules["per-group fixed"] = _groups(readers, fit_curves, policy, table)
    rows = evaluate(
        table,
        expected=rules["policy"],
        prices=policy.prices,
        price_costs=policy.rung_costs,
        group_expected=rules.get("per-group fixed"),
        decision_ms=held_out.feature_ms + predict_ms,
        rng=np.random.default_rng(seed),
        resamples=resamples,
    )
    areas = gap_areas(
        table, rules, rng=np.random.default_rng(seed), resamples=max(1, resamples // 5)
    )
    print_evaluation(rows, title=f"{len(table.scores)} samples of {split}")
    summary = summarise(rows, areas)
    print_json_line(
        {
            "policy": str(policy_folder),
            "n": len(table.scores),
            "full_tokens": ladder[len(ladder) - 1],
            **summary,
            "seconds": round(time.perf_counter() - start, 2),
        }
    )
    return rows


def _measured(curves: CurveTable) -> Measured:
    tokens = np.array(curves.scales, dtype=np.float64)
    return measured(
        curves.scores,
        tokens,
        groups=[str(group) for group in curves.groups],
        flops=curves.flops,
        ms=curves.seconds * 1000,
    )


def _groups(readers: Readers, fit_curves: Path, policy: ScorePolicy, table: Measured) -> FloatArray:
    fitted = readers.curves(fit_curves)
    same_ladder(("the policy", policy.ladder.scales), (str(fit_curves), fitted.scales))
    groups = [str(group) for group in fitted.groups]
    return PerGroupScores().fit(groups, fitted.scores).predict(table.groups)


def print_evaluation(rows: list[EvaluationRow], *, title: str = "") -> None:
    """Print rows as a table; what is unknown or means nothing is a dash."""
    columns = ("", "accuracy", "95 %", "tokens", "MFLOPs", "ms", "gap, stable", "gap, any")
    print_table(columns, [_cells(row) for row in rows], title)


def _cells(row: EvaluationRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.accuracy:.3f}",
        f"{row.low:.3f}-{row.high:.3f}",
        f"{row.mean_tokens:.1f}",
        _number(row.mean_flops / 1e6, ".1f"),
        _number(row.mean_ms, ".2f"),
        _number(row.gap_closed_stable, ".0%"),
        _number(row.gap_closed_any, ".0%"),
    )


def _number(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else "-"


def summarise(rows: list[EvaluationRow], areas: dict[str, GapInterval]) -> dict[str, Any]:
    """Return the figures of an evaluation by name, as its line of JSON says them.

    ``gap_closed_*`` are areas; NaN and infinite figures are left for JSON to call null.
    """
    by_name = {row.name: row for row in rows}
    full = [row for row in rows if row.name.startswith("fixed ")][-1]
    default = by_name[f"policy, {DEFAULT_PRICE}"]
    policy = areas["policy"]
    found: dict[str, Any] = {
        "full_accuracy": full.accuracy,
        "policy_accuracy": default.accuracy,
        "policy_mean_tokens": default.mean_tokens,
        "gap_closed_stable": policy.gap.stable,
        "gap_closed_stable_95": list(policy.stable),
        "gap_closed_any": policy.gap.any_correct,
        "gap_closed_any_95": list(policy.any_correct),
    }
    if "per-group fixed" in areas:
        found["per_group_gap_closed_stable"] = areas["per-group fixed"].gap.stable
        found["per_group_gap_closed_any"] = areas["per-group fixed"].gap.any_correct
    return found
