"""What ``budget policy escalate`` does, once its options are read."""

import time
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import numpy as np

from budget.console import print_json_line, print_table
from budget.errors import PolicyError
from budget.ladder import ScaleLadder
from policies.escalation import Escalation
from policies.escalation_base import BasePolicy
from policies.escalation_evaluation import (
    CASCADE,
    GROUPS,
    KEPT,
    KEPT_CASCADE,
    PRE,
    SUM,
    AtPrice,
    at_prices,
    compare,
    five_budgets,
    rules_of,
)
from policies.escalation_fit import (
    Predictors,
    after_estimator,
    fit_escalation,
    fit_looking,
    fit_predictors,
    policy_with,
)
from policies.escalation_reading import AnsweredSplit, read_answered
from policies.families import make_estimator
from policies.hull import FloatArray
from policies.path_gaps import PathFigures
from policies.reading import Readers, refuse_overlap, same_ladder
from policies.rung_costs import known_tokens
from policies.rung_means import rung_means
from policies.tried_rungs import Spending, spending

SPEND = ("tokens", "flops")


def run_escalate(
    readers: Readers,
    *,
    curves: Path,
    fit_curves: Path,
    calibration: Path,
    data: str,
    splits: tuple[str, str, str],
    out: Path | None,
    kept_cache: bool,
    family: str,
    max_tries: int,
    cap: float,
    spend: str = "tokens",
    folds: int,
    resamples: int,
    seed: int,
    threads: int,
    base: BasePolicy | None = None,
) -> None:
    """Fit, calibrate, save if asked, and compare with baselines on the test split.

    Args:
        readers: how files are read.
        curves: of the split to evaluate on.
        fit_curves: of the split that predictors learn from.
        calibration: of the split that rules and prices are learnt on.
        data: their dataset.
        splits: of the dataset: to evaluate on, to learn from, to calibrate on.
        out: folder of the policy; None saves nothing.
        kept_cache: which of both ways to charge the saved policy is for.
        family: of predictors.
        max_tries: answers a sample is given at most.
        cap: of the cost of all tries of a sample, over that of the full rung.
        spend: what tries are charged when rules are learnt, "tokens" or "flops".
        folds: of the fit split.
        resamples: of the bootstrap.
        seed: of fit and bootstrap.
        threads: of the fit.
        base: what chooses before any answer, fitted on other samples than all of these; by default
            a predictor of ``family`` is fitted.

    Raises:
        BudgetError: if a file cannot be used.
    """
    start = time.perf_counter()
    paths = (curves, fit_curves, calibration)
    tokens, ladder = _tokens(readers, paths)
    if spend not in SPEND:
        raise ValueError(f"--spend must be one of {', '.join(SPEND)}, got {spend!r}")
    spending(tokens, max_tries=max_tries, cap=cap)  # refused before what takes long
    test, fit, held_out = (
        read_answered(readers, curves=path, data=data, split=split)
        for path, split in zip(paths, splits, strict=True)
    )
    charged = _charged(held_out, tokens, spend, max_tries=max_tries, cap=cap)
    after = after_estimator(seed=seed, num_threads=threads)
    if base is None:
        estimator = make_estimator(family, **_settings(family, seed, threads))
        predictors = fit_predictors(estimator, fit.samples, after=after, folds=folds, seed=seed)
    else:
        test, fit, held_out = (
            base.expect(readers, each, data, split)
            for each, split in zip((test, fit, held_out), splits, strict=True)
        )
        predictors = Predictors(base.predictor, fit_looking(fit.samples, after))
    found = {
        name: fit_escalation(predictors, held_out.samples, each, tokens)
        for name, each in charged.items()
    }
    saved = found[KEPT if kept_cache else SUM]
    if out is not None and base is not None:
        base.carrying(saved).save(out)
    elif out is not None:
        samples = held_out.samples
        policy_with(predictors, saved, samples, ladder, costs=tokens, cost_unit="tokens").save(out)
    figures = _compare(predictors, found, test, fit, tokens, resamples, seed)
    _print_figures(
        figures,
        five_budgets(rung_means(test.samples.paid(tokens))),
        f"{len(test.samples.scores)} samples of {splits[0]}",
    )
    rows = _at_prices(predictors, saved, test, tokens)
    _print_prices(rows)
    print_json_line(
        {
            "policy": str(out or (base.name if base is not None else family)),
            "tier": "escalate",
            "before": "pre" if base is None else base.policy.tier,
            "n": len(test.samples.scores),
            **summarise(figures),
            **_price_figures(rows, test),
            "spend": spend,
            "max_tries": max_tries,
            "cap": cap if np.isfinite(cap) else None,
            "seconds": round(time.perf_counter() - start, 1),
        }
    )


def _charged(
    split: AnsweredSplit, tokens: FloatArray, spend: str, *, max_tries: int, cap: float
) -> dict[str, Spending]:
    """Return how tries are charged without a kept cache and with one, by name."""
    costs, again = _costs(split, tokens, spend)
    return {
        name: spending(costs, again=again, kept_cache=kept, max_tries=max_tries, cap=cap)
        for name, kept in ((SUM, False), (KEPT, True))
    }


def _costs(split: AnsweredSplit, tokens: FloatArray, spend: str) -> tuple[FloatArray, float]:
    """Return what an answer costs at every rung, and the part that is paid with every try.

    FLOPs are the language model's, for the picture's are paid whatever is tried. What they come to
    without a visual token is the text, which every further try reads again.

    Raises:
        PolicyError: if the FLOPs are not known.
    """
    if spend == "tokens":
        return tokens, 0.0
    costs = (split.curves.flops - split.once_flops).mean(axis=0)
    if not np.isfinite(costs).all():
        raise PolicyError("the calibration curves' FLOPs are not known; use --spend tokens")
    slope = (costs[1] - costs[0]) / (tokens[1] - tokens[0]) if len(costs) > 1 else 0.0
    return costs, max(float(costs[0] - slope * tokens[0]), 0.0)


def _tokens(readers: Readers, paths: tuple[Path, Path, Path]) -> tuple[FloatArray, ScaleLadder]:
    """Return what rungs cost on the calibration split, and the ladder that all curves share.

    None of their samples may be shared.
    """
    tables = [readers.curves(path) for path in paths]
    ladder = same_ladder(
        *((str(path), table.scales) for path, table in zip(paths, tables, strict=True))
    )
    names = ("evaluated", "fit", "calibration")
    for (one, first), (other, second) in combinations(zip(names, tables, strict=True), 2):
        refuse_overlap(one, first, other, second)
    return known_tokens(tables[-1].num_visual_tokens), ladder


def _settings(family: str, seed: int, threads: int) -> dict[str, Any]:
    """Return the settings that this family knows."""
    known = cast(Any, make_estimator(family)).get_params()
    wanted = {"random_state": seed, "num_threads": threads}
    return {name: value for name, value in wanted.items() if name in known}


def _compare(
    predictors: Predictors,
    found: dict[str, Escalation],
    test: AnsweredSplit,
    fit: AnsweredSplit,
    tokens: FloatArray,
    resamples: int,
    seed: int,
) -> dict[str, PathFigures]:
    names, others = ([str(g) for g in split.curves.groups] for split in (fit, test))
    rules = rules_of(
        predictors,
        found,
        test.samples,
        tokens,
        groups=(names, fit.samples.scores, others),
        learnt=fit.samples,
    )
    rng = np.random.default_rng(seed)
    return compare(rules, test.samples.scores, test.samples.paid(tokens), rng, resamples=resamples)


def _at_prices(
    predictors: Predictors, saved: Escalation, test: AnsweredSplit, tokens: FloatArray
) -> list[AtPrice]:
    walks = predictors.walks(test.samples)
    flops = test.curves.flops
    paid = test.samples.paid(tokens)
    return at_prices(saved, walks, test.samples.scores, paid, flops, test.once_flops)


def _print_figures(figures: dict[str, PathFigures], budgets: FloatArray, title: str) -> None:
    columns = ("gap closed", "stable", "95 %", "any", *(f"{b:.3g} tokens" for b in budgets))
    rows = [
        (
            name,
            f"{each.stable:.1%}",
            f"{each.stable_interval.low:.1%} to {each.stable_interval.high:.1%}",
            f"{each.any_correct:.1%}",
            *(f"{share:.0%}" for share in each.at_budgets),
        )
        for name, each in figures.items()
    ]
    print_table(columns, rows, title)


def _print_prices(rows: list[AtPrice]) -> None:
    columns = ("price", "accuracy", "tokens", "most", "tries", "MFLOPs")
    cells = [
        (
            row.name,
            f"{row.accuracy:.3f}",
            f"{row.mean_tokens:.1f}",
            f"{row.most_tokens:.0f}",
            f"{row.mean_tries:.2f}",
            f"{row.mean_flops / 1e6:.0f}" if np.isfinite(row.mean_flops) else "-",
        )
        for row in rows
    ]
    print_table(columns, cells, "At the calibrated prices, all tries counted")


def summarise(figures: dict[str, PathFigures]) -> dict[str, Any]:
    """Return figures by the names of the line of JSON."""
    own, groups = figures[SUM], figures[GROUPS]
    found: dict[str, Any] = {
        "gap_closed_stable": own.stable,
        "gap_closed_stable_low": own.stable_interval.low,
        "gap_closed_stable_high": own.stable_interval.high,
        "gap_closed_any": own.any_correct,
        "gap_closed_at_budgets": own.at_budgets.tolist(),
        "budgets_won_against_per_group": int((own.scores > groups.scores).sum()),
        "tokens_share_within_half_point": own.half_point_share,
    }
    names = {KEPT: "kept_cache", PRE: "pre", GROUPS: "per_group", CASCADE: "confidence_alone"}
    for name, prefix in {**names, KEPT_CASCADE: "kept_cache_confidence_alone"}.items():
        each = figures[name]
        found[f"{prefix}_gap_closed_stable"] = each.stable
        found[f"{prefix}_gap_closed_any"] = each.any_correct
        found[f"{prefix}_tokens_share_within_half_point"] = each.half_point_share
    found["kept_cache_gap_closed_stable_low"] = figures[KEPT].stable_interval.low
    found["kept_cache_gap_closed_stable_high"] = figures[KEPT].stable_interval.high
    return found


def _price_figures(rows: list[AtPrice], test: AnsweredSplit) -> dict[str, Any]:
    full = float(test.curves.flops[:, -1].mean())
    return {
        "full_accuracy": float(test.samples.scores[:, -1].mean()),
        "prices": {
            row.name: {
                "accuracy": row.accuracy,
                "mean_tokens": row.mean_tokens,
                "mean_tries": row.mean_tries,
                "most_tokens": row.most_tokens,
                "flops_share": row.mean_flops / full,
            }
            for row in rows
        },
    }
