"""Curves and the features of their samples, through readers that are set from outside."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError, PolicyError
from budget.ladder import ScaleLadder
from policies.features import featurize
from policies.hull import FloatArray

BATCH = 64


class CurveTable(Protocol):
    """What is read from a file of curves: n samples, k rungs; NaN everywhere what is unknown.

    ``scales`` are the rungs' names; what a sample really cost at them is ``num_visual_tokens``.
    """

    sample_ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    scales: tuple[int, ...]
    scores: NDArray[np.float64]
    flops: NDArray[np.float64]
    seconds: NDArray[np.float64]
    num_visual_tokens: NDArray[np.int64]


class Readers(NamedTuple):
    """How files are read.

    Attributes:
        curves: a path to a table of curves.
        data: source, split and needed columns to a dataset with these columns.
        about: a path to how its curves came about; by default nothing is known.
    """

    curves: Callable[[str | Path], CurveTable]
    data: Callable[[str, str | None, Sequence[str]], Any]
    about: Callable[[str | Path], Mapping[str, Any]] = lambda path: {}


class Split(NamedTuple):
    """Curves with the features of their samples, row by row.

    Attributes:
        curves: the table.
        features: shape [n, d].
        feature_ms: milliseconds per sample that computing the features took.
    """

    curves: CurveTable
    features: FloatArray
    feature_ms: float


def read_split(
    readers: Readers,
    *,
    curves: Path,
    data: str,
    split: str | None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Split:
    """Read curves and compute the features of their samples.

    Args:
        readers: how files are read.
        curves: file of curves.
        data: the dataset they were measured on.
        split: of the dataset.
        progress: told how many samples of how many are done, after every batch.

    Raises:
        DataError: if a file cannot be read, or a sample of the curves is not in the data.
    """
    table = readers.curves(curves)
    dataset = readers.data(data, split, ("id", "image", "question"))
    rows = rows_of(table.sample_ids, dataset["id"], f"{data} ({split})")
    return Split(table, *features_of(dataset, rows, progress))


def features_of(
    dataset: Any,
    rows: list[int],
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> tuple[FloatArray, float]:
    """Return the features [n, d] of rows of a dataset, and the milliseconds each took.

    Raises:
        DataError: if an image cannot be read, or a sample has several.
    """
    parts: list[FloatArray] = []
    seconds = 0.0
    for images, questions in _batches(dataset, rows):
        start = time.perf_counter()
        parts.append(featurize(images, questions))
        seconds += time.perf_counter() - start
        progress(min(len(parts) * BATCH, len(rows)), len(rows))
    return np.concatenate(parts), seconds * 1000 / len(rows)


def rows_of(wanted: Sequence[str] | NDArray[np.str_], ids: Sequence[str], where: str) -> list[int]:
    """Return the row of every sample id.

    Raises:
        DataError: if one is missing.
    """
    place = {str(name): row for row, name in enumerate(ids)}
    missing = [str(name) for name in wanted if str(name) not in place]
    if missing or not len(wanted):
        example = f", for example {missing[0]!r}" if missing else ""
        raise DataError(
            f"{len(missing)} of {len(wanted)} samples of the curves are not in {where}{example}"
        )
    return [place[str(name)] for name in wanted]


def _batches(dataset: Any, rows: list[int]) -> Iterator[tuple[list[Any], list[str]]]:
    for start in range(0, len(rows), BATCH):
        batch = dataset[rows[start : start + BATCH]]
        yield [_single(image) for image in batch["image"]], batch["question"]


def _single(image: Any) -> Any:
    """Return a sample's one image.

    Raises:
        DataError: if there are several: their curve is that of all of them together, which says
            nothing of what one of them needs.
    """
    if not isinstance(image, list | tuple):
        return image
    if len(image) != 1:
        raise DataError(
            f"a sample has {len(image)} images; a policy is fitted and judged on samples of one "
            "image, and then decides for each image of a prompt by itself, or splits a total"
        )
    return image[0]


def same_ladder(*tables: tuple[str, Sequence[int]]) -> ScaleLadder:
    """Return the ladder that all named sequences of scales share.

    Raises:
        PolicyError: if two differ.
    """
    first_name, first = tables[0]
    for name, scales in tables[1:]:
        if tuple(scales) != tuple(first):
            raise PolicyError(
                f"{name} has scales {tuple(scales)}, but {first_name} has {tuple(first)}"
            )
    return ScaleLadder(tuple(int(m) for m in first))


def refuse_overlap(first_name: str, first: CurveTable, name: str, second: CurveTable) -> None:
    """Refuse two splits that share samples: what is held out would promise too much.

    Raises:
        DataError: if they do; names one.
    """
    shared = np.intersect1d(first.sample_ids, second.sample_ids)
    if len(shared):
        raise DataError(
            f"the {first_name} and the {name} curves share {len(shared)} samples, "
            f"for example {str(shared[0])!r}; they must have none in common"
        )
