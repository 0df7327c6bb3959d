"""The score of every answer that was drawn, kept beside the curves that hold their means.

It is one more column of a run's parts and file: ``draw_scores``, a list a sample and rung.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from oracle.curves import Curves
from oracle.measure import Measured
from oracle.parquet_file import open_parquet, read_parquet
from oracle.run_folder.parts import part_files

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN = "draw_scores"


def with_draw_scores(table: "pa.Table", measured: Sequence[Measured]) -> "pa.Table":
    """Return the table of curves of some samples with their draws' scores, if there are any.

    Args:
        table: what ``to_table`` made of the samples.
        measured: the samples, in the same order.
    """
    import pyarrow as pa

    drawn = [scores for each in measured for scores in each.draw_scores]
    if not any(drawn):
        return table
    return table.append_column(COLUMN, pa.array(drawn, pa.list_(pa.float64())))


def read_draw_scores(path: str | Path, curves: Curves) -> NDArray[np.float64]:
    """Return the score of every drawn answer, shape [n, k, number].

    The mean over the last axis is ``curves.scores``; how far apart the draws are tells how much of
    a difference between two rungs is noise.

    Args:
        path: of a finished run whose answers were drawn, folder or file.
        curves: what ``read_curves`` returned for it, or some of its samples in any order.

    Raises:
        DataError: if no answers were drawn.
    """
    path = Path(path)
    parts = part_files(path) if path.is_dir() else [path]
    there = [part for part in parts if COLUMN in open_parquet(part).schema_arrow.names]
    if not there:
        raise DataError(f"{path} holds one answer a sample and rung; --rollouts draws several")
    homes = {name: i for i, name in enumerate(curves.sample_ids.tolist())}
    rungs = {m: rung for rung, m in enumerate(curves.scales)}
    found: NDArray[np.float64] | None = None
    for part in there:
        rows = read_parquet(part, ["sample_id", "scale", COLUMN])
        columns = (rows.column(name).to_pylist() for name in rows.schema.names)
        for name, scale, scores in zip(*columns, strict=True):
            if found is None:
                found = np.full((len(homes), len(rungs), len(scores)), np.nan)
            if name in homes:
                found[homes[name], rungs[scale]] = scores
    if found is None or np.isnan(found).any():
        raise DataError(f"{path} lacks the drawn answers of some of {len(homes)} samples")
    return found


def standard_errors(draw_scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each mean score may be from the expected one: its standard error.

    Args:
        draw_scores: shape [n, k, number].

    Returns:
        Shape [n, k]; NaN where a single answer was drawn.

    Example:
        >>> standard_errors(np.array([[[0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]]])).round(3)
        array([[0.289, 0.   ]])
    """
    number = draw_scores.shape[-1]
    if number < 2:
        return np.full(draw_scores.shape[:-1], np.nan)
    errors: NDArray[np.float64] = draw_scores.std(axis=-1, ddof=1) / np.sqrt(number)
    return errors
