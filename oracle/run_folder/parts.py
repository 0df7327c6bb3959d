"""The Parquet parts of a run: curves with the row of each sample, and failures beside them.

``part-00000003.parquet`` holds curves, one row a sample and rung, with one more column ``row``:
where the sample stands in the dataset. ``errors-00000003.parquet`` lists the samples that failed
while that part was made: ``row``, ``sample_id``, ``error``. It is written first and counts only
once its part is there, so that the two are one step.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oracle.parquet_file import read_parquet
from oracle.whole_files import write_whole

FILES = ("part-*.parquet", "errors-*.parquet")
_PART = "part-{:08d}.parquet"
_ERRORS = "errors-{:08d}.parquet"


class Failure(NamedTuple):
    """A sample without a curve.

    Attributes:
        row: where it stands in the dataset, from 0.
        sample_id: its id.
        error: kind and message of what went wrong, in one line.
    """

    row: int
    sample_id: str
    error: str


def part_files(folder: Path) -> list[Path]:
    """Return the parts in the order in which they were written."""
    return sorted(folder.glob("part-*.parquet"))


def write_part(
    folder: Path, write: Callable[[IO[bytes]], object], failures: Sequence[Failure]
) -> None:
    """Write the next part; after a kill its curves and failures are both there, or neither counts.

    Args:
        folder: of the run.
        write: writes the Parquet file of curves, which may have none, to an open file.
        failures: samples that failed.

    Raises:
        DiskFullError: if there is no room; the parts before it are intact.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 1 + max((_number(path) for path in part_files(folder)), default=-1)
    errors = folder / _ERRORS.format(number)
    errors.unlink(missing_ok=True)  # of a part that was never finished
    if failures:
        schema = pa.schema([("row", pa.int64()), ("sample_id", "string"), ("error", "string")])
        table = pa.Table.from_pylist([each._asdict() for each in failures], schema=schema)
        write_whole(errors, lambda file: pq.write_table(table, file))
    write_whole(folder / _PART.format(number), write)


def rows_done(folder: Path) -> NDArray[np.int64]:
    """Return the dataset's rows that have curves, in no order; reads this one column alone."""
    columns = (read_parquet(path, ["row"]).column("row") for path in part_files(folder))
    rows = [np.unique(column.to_numpy()).astype(np.int64) for column in columns]
    return np.concatenate([np.array([], dtype=np.int64), *rows])


def ids_done(folder: Path) -> Iterator[str]:
    """Yield the ids of the samples that have curves, in no order, a part at a time."""
    for path in part_files(folder):
        yield from read_parquet(path, ["sample_id"]).column("sample_id").unique().to_pylist()


def failed(folder: Path) -> list[Failure]:
    """Return the samples that failed when they were last run, by row."""
    last = {failure.row: failure for failure in _all_failures(folder)}
    if last:
        done = set(rows_done(folder).tolist())
        last = {row: failure for row, failure in last.items() if row not in done}
    return [last[row] for row in sorted(last)]


def _all_failures(folder: Path) -> Iterator[Failure]:
    for path in part_files(folder):
        errors = folder / _ERRORS.format(_number(path))
        if errors.is_file():
            yield from (Failure(**row) for row in read_parquet(errors).to_pylist())


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])
