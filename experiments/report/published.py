"""This dataset's curve beside those that the papers on M3 and MQT published."""

from typing import NamedTuple

import numpy as np

from budget.bootstrap import percentiles
from experiments.report.need_measures import Need, measure_need
from experiments.report.need_tables import area_value, saturation_value
from experiments.report.need_words import within
from experiments.report.phrases import count, number, tokens_in_words
from experiments.report.published_curves import Published, published_curves, shape_distances
from experiments.report.published_figure import draw_published
from experiments.report.published_words import published_words
from experiments.report.runs import Run
from experiments.report.section import Cell, Column, Picture, Section, Table, Value
from oracle.labels import label
from oracle.resampled import estimate, resampled_means
from oracle.saturation import saturation_rungs
from oracle.token_area import area_weights
from policies.hull import FloatArray


class Likeness(NamedTuple):
    """How like this dataset's curve is to a published one.

    Attributes:
        other: the published curve.
        distance: in relative accuracy, see :func:`shape_distances`; None where too few tokens are
            shared.
        nearest: share of resamples in which it is the nearest of all.
        at_least: what the distance surely is, less what noise adds to any distance; NaN where it
            is not known.
    """

    other: Published
    distance: Value | None
    nearest: float
    at_least: float


def published_section(
    run: Run, rng: np.random.Generator, *, tolerance_points: float = 1.0, resamples: int = 1000
) -> Section:
    """Return the section that sets a dataset beside the published ones.

    Args:
        run: the oracle run.
        rng: where resamples come from.
        tolerance_points: what a saturation point may lose against the best, in points.
        resamples: how many times the samples are drawn anew.
    """
    need = measure_need(run.curves, rng, tolerance_points=tolerance_points, resamples=resamples)
    likeness = compare_shapes(need)
    return Section(
        "published",
        "How does that compare with what M3 and MQT published?",
        published_words(need, likeness, tolerance_points),
        (_picture(need, likeness),),
        (
            _table(run, need, likeness, rng, tolerance_points, resamples),
            _curves_table(run, need),
        ),
    )


def compare_shapes(need: Need) -> tuple[Likeness, ...]:
    """Return how like every published curve is, the nearest first, those unknown last."""
    # What few samples may have missed is in these resamples, and can take a mean out of its range.
    drawn = np.clip(need.resampled, 1e-9, 1.0)
    both = np.vstack([need.means[None], drawn])
    found = {i: shape_distances(need.tokens, both, each) for i, each in enumerate(_all())}
    known = {i: each for i, each in found.items() if each is not None and np.isfinite(each[0])}
    wins = np.zeros(len(_all()))
    if known:
        nearest = np.array(list(known))[np.array([each[1:] for each in known.values()]).argmin(0)]
        wins = np.bincount(nearest, minlength=len(_all())) / len(nearest)
    rows = [
        Likeness(
            other,
            _distance(known[i], need.n) if i in known else None,
            float(wins[i]),
            _at_least(known[i]) if i in known else np.nan,
        )
        for i, other in enumerate(_all())
    ]
    return tuple(
        sorted(rows, key=lambda row: np.inf if row.distance is None else row.distance.value)
    )


def _all() -> tuple[Published, ...]:
    return published_curves()


def _distance(values: FloatArray, n: int) -> Value:
    return Value(*estimate(float(values[0]), values[1:], n))


def _at_least(values: FloatArray) -> float:
    """Return the lower end of a distance's interval without the bias of distances.

    Noise takes curves apart: a sample lies further from any curve than what it was drawn from, and
    a resample as much further again.
    """
    value, drawn = values[0], values[1:]
    low, _ = percentiles(drawn, 0.95)
    return float(low - 2 * max(0.0, np.nanmean(drawn) - value))


def _table(
    run: Run,
    need: Need,
    likeness: tuple[Likeness, ...],
    rng: np.random.Generator,
    tolerance_points: float,
    resamples: int,
) -> Table:
    columns = (
        Column("benchmark", "benchmark"),
        Column("model", "model"),
        Column("distance", "apart in shape, points", 1, 100),
        Column("saturation_tokens", "saturation point, tokens", 0),
        Column("smallest_tokens", "smallest scale, tokens", 0),
        Column("smallest_accuracy", "accuracy there, %", 1, 100),
        Column("largest_tokens", "largest, tokens", 0),
        Column("largest_accuracy", "accuracy there, %", 1, 100),
        Column("area", "area under the curve", 3),
        Column("oracle_accuracy", "oracle's accuracy, %", 1, 100),
        Column("oracle_tokens", "oracle's tokens", 1),
    )
    accuracy, tokens = _oracle(run, rng, resamples)
    own: tuple[Cell, ...] = (
        f"this dataset: {run.name}",
        str(run.about.get("model") or "unknown"),
        None,
        saturation_value(need),
        float(need.tokens[0]),
        Value(*need.accuracy[0]),
        float(need.tokens[-1]),
        Value(*need.accuracy[-1]),
        area_value(need),
        accuracy,
        tokens,
    )
    rows = (own, *(_row(each, tolerance_points) for each in likeness))
    caption = (
        f"Published curves beside this dataset's, nearest in shape first. Saturation point: fewest "
        f"tokens {within(tolerance_points)} of the curve's own best. Oracle: fewest tokens that "
        "are right, unsolved samples charged the cheapest scale. Areas are over each ladder's own "
        "tokens, and published numbers have no intervals. Tokens of "
        "LLaVA-NeXT-M3 are those of one of its five grids. Sources: arXiv 2405.17430 (M3), "
        "2405.19315 (MQT)."
    )
    return Table("published", caption, columns, rows)


def _row(each: Likeness, tolerance_points: float) -> tuple[Cell, ...]:
    other = each.other
    at = int(saturation_rungs(other.scores, tolerance_points / 100))
    accuracy, tokens = other.oracle or (None, None)
    return (
        other.benchmark,
        other.model,
        each.distance,
        float(other.tokens[at]),
        float(other.tokens[0]),
        float(other.scores[0]),
        float(other.tokens[-1]),
        float(other.scores[-1]),
        float(other.scores @ area_weights(other.tokens)),
        accuracy,
        tokens,
    )


def _oracle(run: Run, rng: np.random.Generator, resamples: int) -> tuple[Value, Value]:
    """Return accuracy and mean tokens of the oracle that M3's paper counts."""
    curves = run.curves
    at = np.arange(len(curves)), label(curves, "first_correct", "cheapest").rungs
    found = np.column_stack([curves.scores[at], curves.num_visual_tokens[at]])
    drawn, whole = resampled_means(found, rng, resamples=resamples), found.mean(axis=0)
    largest = float(curves.num_visual_tokens.max())
    accuracy = estimate(float(whole[0]), drawn[:, 0], len(curves))
    tokens = estimate(float(whole[1]), drawn[:, 1], len(curves), bounds=(0.0, largest))
    return Value(*accuracy), Value(*tokens)


def _curves_table(run: Run, need: Need) -> Table:
    """Return the accuracies at every number of tokens that a curve has."""
    every = sorted({*need.tokens.tolist(), *(t for one in _all() for t in one.tokens.tolist())})
    columns = (
        Column("benchmark", "benchmark"),
        Column("model", "model"),
        *(Column(f"at_{number(t).replace(',', '')}", f"{number(t)}", 1, 100) for t in every),
    )
    own = dict(zip(need.tokens.tolist(), need.accuracy, strict=True))
    rows: list[tuple[Cell, ...]] = [
        (
            f"this dataset: {run.name}",
            str(run.about.get("model") or "unknown"),
            *(Value(*own[t]) if t in own else None for t in every),
        )
    ]
    for one in _all():
        known = dict(zip(one.tokens.tolist(), one.scores.tolist(), strict=True))
        rows.append((one.benchmark, one.model, *(known.get(t) for t in every)))
    return Table(
        "published_curves",
        "Accuracy in % at every number of visual tokens; MME in % of its full marks of 2,000 and "
        "800; MQT's numbers were read off figures, to about 0.1 points.",
        columns,
        tuple(rows),
    )


def _picture(need: Need, likeness: tuple[Likeness, ...]) -> Picture:
    near = [each.other.name for each in likeness if each.distance is not None][:1]
    nearest = f" The nearest in shape is {near[0]}." if near else ""
    return Picture(
        "published",
        f"Accuracy relative to each curve's best against visual tokens: this dataset with 95 % "
        f"intervals, and {count(len(likeness), 'published curve')}, the nearest three in colour.",
        f"This dataset goes from {100 * need.means[0] / max(need.means.max(), 1e-9):.0f} % of its "
        f"best at {tokens_in_words(need.tokens[0])} to its best at "
        f"{tokens_in_words(need.tokens[need.best])}.{nearest}",
        draw_published(need, likeness),
    )
