"""How a study's findings are shown and written."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from budget.console import plain_values
from budget.errors import DataError
from policies.label_counts import LabelRow
from policies.metrics_table import write_csv
from policies.study_fit import Closed


def label_cells(row: LabelRow) -> tuple[str, ...]:
    """Return the row of a number of labels: gaps closed, the draws' range, the baseline."""
    low, high = 100 * min(row.draws), 100 * max(row.draws)
    return (
        str(row.labels),
        *cells_of(row.closed, f"{low:.1f}..{high:.1f}"),
        f"{100 * row.per_group.stable:.1f}",
    )


def cells_of(closed: Closed, *between: str) -> tuple[str, ...]:
    """Return stable, what comes between, any-correct, and what lacks to the reference."""
    figures = (
        (closed.stable, closed.stable_95),
        (closed.any_correct, closed.any_95),
        (closed.behind, closed.behind_95),
    )
    stable, any_correct, behind = (
        f"{100 * value:.1f} ({100 * low:.1f}..{100 * high:.1f})" for value, (low, high) in figures
    )
    return stable, *between, any_correct, behind


def as_json(closed: Closed) -> dict[str, float]:
    """Return the figures by name, each with the ends of its interval."""
    found: dict[str, float] = {}
    for name, value, (low, high) in (
        ("gap_closed_stable", closed.stable, closed.stable_95),
        ("gap_closed_any", closed.any_correct, closed.any_95),
        ("behind", closed.behind, closed.behind_95),
    ):
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return found


def write_rows(path: Path | None, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write cells as CSV; without a path nothing is written."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, columns, rows)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write findings as JSON.

    Raises:
        DataError: if the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(plain_values(content), allow_nan=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"results cannot be written to {path}: {error.strerror}") from error
