"""The command that turns curves into labels, and says how far they can be trusted.

    budget oracle labels runs/curves.parquet --rule stable --unsolved full --out labels.parquet

Prints the oracles of all rules side by side, how often scores fall as tokens rise and how much of
the any-correct oracle is luck; the last line is JSON. Accuracies are mean scores in [0, 1], tokens
are visual tokens per image, intervals are 95 % bootstrap intervals over samples.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, print_json_line, print_table, quiet_libraries

if TYPE_CHECKING:
    from oracle.comparison import Comparison, Estimate, RuleRow
    from oracle.luck import Draws


class Charged(StrEnum):
    """What a sample that no scale solves counts as."""

    cheapest = "cheapest"
    full = "full"
    drop = "drop"


@one_line_errors()
def labels(
    run: Annotated[
        Path, typer.Argument(help="Curves: a run's folder or a file.", show_default=False)
    ],
    rule: Annotated[
        str,
        typer.Option(
            help="first-correct, stable (right there and at all larger scales), within:0.1 (of the "
            "sample's best score), agrees-with-full (needs no right answers), or expected (best "
            "mean score of several draws)."
        ),
    ] = "stable",
    unsolved: Annotated[
        Charged, typer.Option(help="A sample that no scale solves is charged this, or dropped.")
    ] = Charged.cheapest,
    out: Annotated[
        Path | None,
        typer.Option(help="Labels to write, .parquet or .csv: id, group, rung, tokens, solved."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Score from which an answer is right.", min=0, max=1)
    ] = 0.5,
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples.", min=1)] = 1000,
    permutations: Annotated[int, typer.Option(help="Shuffles for the luck.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Seed of resamples and shuffles.", min=0)] = 0,
) -> None:
    """Label every sample of RUN with the scale it needs, and say how honest that is."""
    quiet_libraries()
    import numpy as np

    from oracle.comparison import compare
    from oracle.curves import read_curves, read_metadata
    from oracle.label_files import check_kind, write_labels
    from oracle.labels import label, parse_rule, rule_word

    name, tolerance = parse_rule(rule)
    if out is not None:
        check_kind(out)
        if out.resolve() == run.resolve():
            raise ValueError(f"labels would replace the curves they come from: {out}")
    curves, about = read_curves(run), read_metadata(run)
    found = label(curves, name, unsolved.value, threshold, tolerance)
    if not found.kept.any():
        raise ValueError(f"{rule} solves none of {len(curves)} samples, and all are dropped")
    result = compare(
        curves,
        np.random.default_rng(seed),
        unsolved=unsolved.value,
        threshold=threshold,
        tolerance=tolerance if name == "within_tolerance" else 0.1,
        resamples=resamples,
        permutations=permutations,
    )
    _print_rules(result, rule_word(name, tolerance))
    _print_trust(result)
    if out is not None:
        write_labels(out, curves, found, tolerance)
    counts = np.bincount(found.rungs[found.kept], minlength=curves.num_rungs).tolist()
    print_json_line(
        {
            "out": out,
            **{key: about[key] for key in ("model", "scorer") if key in about},
            "n": len(curves),
            "scales": list(curves.scales),
            "rule": rule_word(name, tolerance),
            "unsolved": unsolved.value,
            "threshold": threshold,
            "solved": int(found.solved.sum()),
            "dropped": int((~found.kept).sum()),
            "samples_per_scale": counts,
            **_as_json(result),
        }
    )


def _print_rules(result: "Comparison", chosen: str) -> None:
    charged = result.rows[0].unsolved
    said = "dropped" if charged == "drop" else f"charged the {charged} scale"
    other = "" if charged == "cheapest" else "; M3's charged the cheapest"
    first = [("full scale", result.full)]
    rules = [(f"{row.rule}{' *' * (row.rule == chosen)}", row) for row in result.rows]
    cells = [
        (name, row.n, f"{100 * row.solved:.1f}", _percent(row.accuracy), _plain(row.mean_tokens))
        for name, row in [*first, *rules, ("M3's own count", result.m3)]
    ]
    print_table(
        ("oracle", "n", "solved %", "accuracy %", "tokens"),
        cells,
        f"oracles by rule, with 95 % interval; unsolved samples {said}{other}; * chosen",
    )


def _print_trust(result: "Comparison") -> None:
    tries, guesser = result.tries.mean, result.guesser.mean
    cells = [
        ("scores that fall as tokens rise, of neighbouring pairs", _percent(result.falling_pairs)),
        ("samples with such a fall", _percent(result.falling_samples)),
        ("any-correct oracle: accuracy", _percent(result.m3.accuracy)),
        ("any-correct oracle: tokens", _plain(result.m3.mean_tokens)),
        ("what a lucky guesser gets: accuracy", f"{100 * guesser.accuracy:.1f}"),
        ("what a lucky guesser gets: tokens", f"{guesser.mean_tokens:.1f}"),
        ("what a lucky guesser gets: % of the gain", f"{100 * result.guessed_gain:.0f}"),
        ("what independent tries get: accuracy", f"{100 * tries.accuracy:.1f}"),
        ("what independent tries get: tokens", f"{tries.mean_tokens:.1f}"),
        ("without guesses: accuracy", _percent(result.known_accuracy)),
        ("without guesses: tokens", _plain(result.known_tokens)),
        ("without guesses: points of accuracy lost", _percent(result.luck)),
    ]
    print_table(("how far to trust them", "% or tokens"), cells)


def _percent(found: "Estimate") -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _plain(found: "Estimate") -> str:
    return f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"


def _as_json(result: "Comparison") -> dict[str, Any]:
    return {
        "full": _row(result.full),
        "oracle": {row.rule: _row(row) for row in result.rows},
        "m3": _row(result.m3),
        "falling": {
            "pairs": _numbers(result.falling_pairs),
            "samples": _numbers(result.falling_samples),
        },
        "luck": {
            "points": _numbers(result.luck),
            "known_accuracy": _numbers(result.known_accuracy),
            "known_tokens": _numbers(result.known_tokens),
            "guesser": {**_draws(result.guesser), "share_of_gain": round(result.guessed_gain, 4)},
            "independent_tries": _draws(result.tries),
        },
    }


def _draws(found: "Draws") -> dict[str, Any]:
    return {
        "accuracy": _numbers((found.mean.accuracy, *found.accuracy)),
        "mean_tokens": _numbers((found.mean.mean_tokens, *found.mean_tokens)),
    }


def _row(row: "RuleRow") -> dict[str, Any]:
    return {
        "accuracy": _numbers(row.accuracy),
        "mean_tokens": _numbers(row.mean_tokens),
        "solved": round(row.solved, 4),
        "n": row.n,
    }


def _numbers(values: "Estimate | tuple[float, ...]") -> list[float]:
    """Return a value and its interval, rounded to what they can tell."""
    return [round(value, 4) for value in values]
