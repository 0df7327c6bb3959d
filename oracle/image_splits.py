"""How images of one prompt shared the total of a rung, in two columns beside the curves.

``image_scales`` lists the scale of each image, and ``more_answers`` says how many answers the
search for the sample's splits took beside those with all images at one rung. Only a run that
searched has them; a sample with one image has nothing to share, an empty list and 0.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from oracle.batch import ImageSplit
from oracle.curves import Curves
from oracle.measure import Measured
from oracle.parquet_file import open_parquet, read_parquet
from oracle.run_folder.parts import part_files

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("image_scales", "more_answers")
_NOTHING = ImageSplit((), 0)


class ImageSplits(NamedTuple):
    """How n samples shared the totals of k rungs.

    Attributes:
        scales: per sample and rung the scale of each image; empty for samples of one image.
        more_answers: that the search took for each sample, shape [n].
    """

    scales: list[list[tuple[int, ...]]]
    more_answers: NDArray[np.int64]


def with_image_splits(table: "pa.Table", measured: Sequence[Measured]) -> "pa.Table":
    """Return a table of curves with both columns, or as it is if no sample shared a total.

    Args:
        table: one row a sample and rung, samples in the order of ``measured``.
        measured: the samples.
    """
    import pyarrow as pa

    splits = [rung.split for each in measured for rung in each.rungs]
    if not any(splits):
        return table
    told = [split or _NOTHING for split in splits]
    scales = pa.array([list(each.scales) for each in told], pa.list_(pa.int64()))
    more = pa.array([each.more_answers for each in told], pa.int64())
    return table.append_column(COLUMNS[0], scales).append_column(COLUMNS[1], more)


def has_image_splits(path: str | Path) -> bool:
    """Return whether a run, folder or file, has samples that shared totals."""
    return bool(_parts(Path(path)))


def read_image_splits(path: str | Path, curves: Curves) -> ImageSplits:
    """Return how samples shared the totals of their rungs.

    Args:
        path: of a finished run with ``GreedySplit``, folder or file.
        curves: what ``read_curves`` returned for it, or some of its samples in any order.

    Raises:
        DataError: if nothing was searched for.
    """
    there = _parts(Path(path))
    if not there:
        raise DataError(f"{path} has no splits: no sample of several images was searched")
    homes = {name: i for i, name in enumerate(curves.sample_ids.tolist())}
    rungs = {m: rung for rung, m in enumerate(curves.scales)}
    scales: list[list[tuple[int, ...]]] = [[()] * len(rungs) for _ in homes]
    more = np.zeros(len(homes), dtype=np.int64)
    for part in there:
        rows = read_parquet(part, ["sample_id", "scale", *COLUMNS]).to_pylist()
        for row in rows:
            if (home := homes.get(row["sample_id"])) is not None:
                scales[home][rungs[row["scale"]]] = tuple(row[COLUMNS[0]] or ())
                more[home] = row[COLUMNS[1]] or 0
    return ImageSplits(scales, more)


def _parts(path: Path) -> list[Path]:
    """Return those parts of a run, folder or file, that have the columns."""
    parts = part_files(path) if path.is_dir() else [path]
    return [part for part in parts if COLUMNS[0] in open_parquet(part).schema_arrow.names]
