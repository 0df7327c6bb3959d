"""What ``budget policy importance`` does, once its options are read."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from budget.console import print_json_line, print_table, progress
from policies.contributions import explainable
from policies.evaluation_files import load_policies
from policies.evaluation_inputs import table_measured
from policies.features_cache import SampleSource
from policies.importance import Importance, ImportanceTable, importance
from policies.importance_words import in_words
from policies.metrics_table import write_csv
from policies.reading import CurveTable, Readers, same_ladder

_SHOWN = 15  # single features in the printed table
_FIELDS = ("changed", "moved", "utility_lost", "gap_lost")
_COLUMNS = (
    "policy",
    "name",
    "words",
    "features",
    *(f"{field}{end}" for field in _FIELDS for end in ("", "_low", "_high")),
)


class Shuffles(NamedTuple):
    """How importance is measured.

    Attributes:
        samples: how many are looked at, drawn once; all, if there are fewer.
        draws: shuffles of every group.
        price: of choices; None for each policy's "no-loss".
        singles: also shuffle every feature by itself.
        resamples: of the bootstrap.
        seed: of everything drawn.
    """

    samples: int = 2000
    draws: int = 5
    price: float | None = None
    singles: bool = False
    resamples: int = 1000
    seed: int = 0


def run_importance(
    readers: Readers,
    source: SampleSource,
    *,
    policies: Sequence[str],
    curves: Path,
    split: str,
    how: Shuffles,
    out: Path | None = None,
) -> dict[str, ImportanceTable]:
    """Measure, say, save and print what moves policies' choices; one JSON line.

    Args:
        readers: how files are read.
        source: gives features.
        policies: folders, or names of shipped ones.
        curves: held out from the policies.
        split: of the dataset.
        how: shuffles and resamples.
        out: folder for table and figures; ``None`` saves nothing.

    Raises:
        BudgetError: if a file cannot be used, or a policy sees more than features.
    """
    start = time.perf_counter()
    loaded = {name: explainable(each) for name, each in load_policies(policies).items()}
    whole = readers.curves(curves)
    ladders = [(name, policy.ladder.scales) for name, policy in loaded.items()]
    same_ladder((str(curves), whole.scales), *ladders)
    table = some_of(whole, how.samples, np.random.default_rng(how.seed))
    with progress(f"Features of {split}", "samples") as update:
        found = source.features(table, split, update)
    tokens = table_measured(table).tokens
    tables = {}
    for name, policy in loaded.items():
        with progress(f"Shuffles for {name}", "groups") as update:
            tables[name] = importance(
                policy,
                found.features,
                table.scores,
                np.random.default_rng(how.seed),
                tokens=tokens,
                price=how.price,
                draws=how.draws,
                resamples=how.resamples,
                singles=how.singles,
                progress=update,
            )
        _print(name, tables[name])
    if out is not None:
        _save(out, tables)
    print_json_line(
        {
            "curves": str(curves),
            "n": len(table.scores),
            "policies": {name: _as_json(each) for name, each in tables.items()},
            "seconds": round(time.perf_counter() - start, 2),
        }
    )
    return tables


@dataclass
class CurveRows:
    """Some samples of a table of curves; the fields are those of ``CurveTable``."""

    sample_ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    scales: tuple[int, ...]
    scores: NDArray[np.float64]
    flops: NDArray[np.float64]
    seconds: NDArray[np.float64]
    num_visual_tokens: NDArray[np.int64]


def some_of(curves: CurveTable, count: int, rng: np.random.Generator) -> CurveRows:
    """Return so many samples, drawn without replacement, in their own order; all if fewer.

    Args:
        curves: of all samples.
        count: how many are wanted.
        rng: draws them.
    """
    total = len(curves.sample_ids)
    rows = np.sort(rng.permutation(total)[: min(count, total)])
    return CurveRows(
        curves.sample_ids[rows],
        curves.groups[rows],
        curves.scales,
        curves.scores[rows],
        curves.flops[rows],
        curves.seconds[rows],
        curves.num_visual_tokens[rows],
    )


def _print(name: str, table: ImportanceTable) -> None:
    for sentence in in_words(name, table):
        typer.echo(sentence)
    columns = ("shuffled", "another scale %", "|log2 tokens|", "utility lost", "gap lost, points")
    print_table(columns, [_cells(row) for row in table.groups], f"{name}: groups of features")
    if table.features:
        rows = [_cells(row) for row in table.features[:_SHOWN]]
        print_table(columns, rows, f"{name}: single features, the first {len(rows)}")


def _cells(row: Importance) -> tuple[str, ...]:
    forms = zip(row[3:], (100, 1, 100, 100), strict=True)
    return (row.words, *(_cell([factor * x for x in found]) for found, factor in forms))


def _cell(numbers: Sequence[float]) -> str:
    value, low, high = numbers
    return f"{value:.2f} ({low:.2f}..{high:.2f})" if value == value else "-"


def _save(out: Path, tables: Mapping[str, ImportanceTable]) -> None:
    from policies.evaluation_figures import write_picture
    from policies.importance_figures import draw_importance

    out.mkdir(parents=True, exist_ok=True)
    rows = [
        (name, each.name, each.words, each.num_columns, *(x for found in each[3:] for x in found))
        for name, table in tables.items()
        for each in (*table.groups, *table.features)
    ]
    write_csv(out / "importance.csv", _COLUMNS, rows)
    write_picture(draw_importance(tables), out / "importance.png")
    if all(table.features for table in tables.values()):
        write_picture(draw_importance(tables, singles=True), out / "features.png")


def _as_json(table: ImportanceTable) -> dict[str, Any]:
    said: dict[str, Any] = {
        "price": table.price,
        "draws": table.draws,
        "gap_closed": table.gap_closed,
    }
    for field in ("groups", "features"):
        rows: Sequence[Importance] = getattr(table, field)
        if rows:
            said[field] = {row.name: _row_as_json(row) for row in rows}
    return said


def _row_as_json(row: Importance) -> dict[str, float]:
    ends = ("", "_low", "_high")
    return {
        f"{field}{end}": number
        for field in _FIELDS
        for end, number in zip(ends, getattr(row, field), strict=True)
    }
