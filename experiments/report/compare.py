"""Several datasets or models side by side: which needs which granularity."""

from collections.abc import Sequence

import numpy as np

from experiments.report.compare_figure import draw_runs
from experiments.report.compare_measures import Against, compare_runs
from experiments.report.compare_words import compare_words
from experiments.report.need_measures import Need, measure_need
from experiments.report.need_tables import (
    ACCURACY,
    AREA,
    SATURATION,
    SCALE,
    TOKENS,
    area_value,
    saturation_value,
)
from experiments.report.need_words import within
from experiments.report.phrases import count, number
from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Picture, Section, Table, Value


def compare_section(
    runs: Sequence[Run],
    rng: np.random.Generator,
    *,
    tolerance_points: float = 1.0,
    resamples: int = 1000,
) -> Section:
    """Return the section that sets runs side by side.

    Runs that share samples are compared on these, resampled together; others as separate samples.

    Args:
        runs: at least two, by unique names.
        rng: where resamples come from.
        tolerance_points: what a saturation point may lose against the run's best, in points.
        resamples: how many times every run's samples are drawn anew.

    Raises:
        ValueError: if there are fewer than two runs.
    """
    if len(runs) < 2:
        raise ValueError(f"a comparison needs at least two runs, got {len(runs)}")
    needs = {
        run.name: measure_need(
            run.curves, rng, tolerance_points=tolerance_points, resamples=resamples
        )
        for run in runs
    }
    pairs = compare_runs(runs, rng, tolerance_points=tolerance_points, resamples=resamples)
    return Section(
        "compare",
        "Which needs which granularity?",
        compare_words(needs, pairs, tolerance_points),
        (_picture(needs),),
        (_table(runs, needs, tolerance_points), _pairs_table(pairs), _accuracies(runs, needs)),
    )


def _picture(needs: dict[str, Need]) -> Picture:
    ends = [
        f"{name} from {100 * need.means[0]:.1f} % at {number(need.tokens[0])} to "
        f"{100 * need.means[-1]:.1f} % at {number(need.tokens[-1])} tokens"
        for name, need in needs.items()
    ]
    return Picture(
        "compare",
        f"Accuracy against visual tokens of {count(len(needs), 'run')}, with 95 % intervals; the "
        "ringed points are saturation points.",
        f"{'; '.join(ends)}.",
        draw_runs(needs),
    )


def _table(runs: Sequence[Run], needs: dict[str, Need], tolerance_points: float) -> Table:
    columns = (
        Column("run", "run"),
        Column("model", "model"),
        Column("data", "data"),
        Column("samples", "samples", 0),
        SATURATION,
        Column("best_tokens", "tokens of the best scale", 0),
        Column("best_accuracy", "its accuracy, %", 1, 100),
        AREA,
    )
    rows: list[tuple[Cell, ...]] = []
    for run in runs:
        need = needs[run.name]
        model, data = (run.about.get(key) for key in ("model", "dataset"))
        row = (
            run.name,
            None if model is None else str(model),
            None if data is None else f"{data} ({run.about.get('split')})",
            need.n,
            saturation_value(need),
            float(need.tokens[need.best]),
            Value(*need.accuracy[need.best]),
            area_value(need),
        )
        rows.append(row)
    caption = (
        f"Runs side by side. Saturation point: fewest tokens {within(tolerance_points)} of the "
        "run's own best scale. Areas are over each run's own ladder. 95 % intervals."
    )
    return Table("compare", caption, columns, tuple(rows))


def _pairs_table(pairs: Sequence[Against]) -> Table:
    columns = (
        Column("run", "run"),
        Column("against", "against"),
        Column("samples", "samples they share", 0),
        Column("paired", "paired"),
        Column("area_difference", "area over the same tokens, difference in points", 1, 100),
        Column("best_difference", "accuracy of the best scale, difference in points", 1, 100),
        Column("needs_more", "resamples in which it saturates at more tokens, %", 1, 100),
        Column("needs_fewer", "at fewer, %", 1, 100),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            pair.run,
            pair.other,
            pair.shared,
            "yes" if pair.paired else "no",
            None if pair.area is None else Value(*pair.area),
            Value(*pair.best),
            pair.more,
            pair.fewer,
        )
        for pair in pairs
    )
    return Table(
        "compare_pairs",
        "Differences between runs with 95 % intervals; areas are taken over the tokens that both "
        "ladders reach.",
        columns,
        rows,
    )


def _accuracies(runs: Sequence[Run], needs: dict[str, Need]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for run in runs:
        used, need = run.curves.num_visual_tokens.mean(axis=0), needs[run.name]
        for i, scale in enumerate(run.curves.scales):
            rows.append((run.name, scale, float(used[i]), Value(*need.accuracy[i])))
    return Table(
        "compare_accuracy",
        "Accuracy of every run at every scale, mean score with 95 % intervals.",
        (Column("run", "run"), SCALE, TOKENS, ACCURACY),
        tuple(rows),
    )
