"""What the policy commands do, once their options are read."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from budget.console import print_json_line, print_table, progress
from budget.errors import PolicyError
from budget.risk import Risk
from policies.allocation import choose_rungs
from policies.evaluation import EvaluationRow
from policies.families import known_settings, make_estimator, parse_settings
from policies.lightgbm_policy import ScorePolicy
from policies.policy_schema import is_own_file
from policies.pricing import fit_score_policy
from policies.reading import Readers, Split, read_split, refuse_overlap, same_ladder
from policies.risk_options import all_risks, known_flops, print_risks, risks_as_json
from policies.rung_costs import rung_costs
from policies.settings_file import read_settings
from policies.whole_folder import refuse_others

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
    risks: Sequence[Risk] = (),
    settings_file: Path | None = None,
) -> ScorePolicy:
    """Fit, calibrate, save and describe a policy; ``risks`` come on top of the default ones.

    Raises:
        BudgetError: if a file cannot be used.
    """
    start = time.perf_counter()
    # Before the features, which take long: what cannot be used is refused at once.
    refuse_others(out, is_own_file)
    family, said = _asked_for(family, settings_file)
    common = known_settings(family, {"random_state": seed, "num_threads": threads})
    predictor = make_estimator(family, **common | said | parse_settings(family, settings))
    prices_on = rung_costs(cost, readers.curves(curves), model=readers.about(curves).get("model"))
    fit = _read(readers, curves, data, fit_split)
    held_out = _read(readers, calibration, data, calibration_split)
    ladder = same_ladder(
        (str(curves), fit.curves.scales), (str(calibration), held_out.curves.scales)
    )
    refuse_overlap("fit", fit.curves, "calibration", held_out.curves)
    policy = fit_score_policy(
        fit_features=fit.features,
        fit_scores=fit.curves.scores,
        calibration_features=held_out.features,
        calibration_scores=held_out.curves.scores,
        ladder=ladder,
        rung_costs=prices_on.costs,
        cost_unit=prices_on.unit,
        predictor=predictor,
        calibration_tokens=held_out.curves.num_visual_tokens,
        calibration_flops=known_flops(held_out.curves),
        risks=all_risks(risks, held_out.curves),
        seed=seed,
    )
    policy.save(out)
    rows = _price_rows(policy, held_out)
    print_table(("price", "value", "calibration accuracy", "mean tokens"), rows, "Prices")
    print_risks(policy)
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
            "risks": risks_as_json(policy),
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


def _price_rows(policy: ScorePolicy, split: Split) -> list[tuple[str, ...]]:
    expected, scores = policy.predictor.predict(split.features), split.curves.scores
    tokens, samples = split.curves.num_visual_tokens, np.arange(len(scores))
    rows: list[tuple[str, ...]] = []
    for name, price in policy.prices.items():
        rungs = choose_rungs(expected, policy.rung_costs, price)
        accuracy, spent = scores[samples, rungs].mean(), tokens[samples, rungs].mean()
        rows.append((name, f"{price:.4f}", f"{accuracy:.3f}", f"{spent:.1f}"))
    return rows


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
