"""One sample's score, answer and cost at every rung, for many samples, and its file.

The file is Parquet with one row a sample and rung; how it came about (model, ladder, scorer,
version of this package) is in the schema's metadata. A run's folder is read like such a file.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from oracle.parquet_file import ABOUT_KEY, open_parquet, read_parquet, said
from oracle.run_folder.reading import about_run, check_finished, read_run
from oracle.whole_files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

_DTYPES: dict[str, type] = {
    "scores": np.float64,
    "answers": np.str_,
    "confidence": np.float64,
    "flops": np.float64,
    "seconds": np.float64,
    "num_visual_tokens": np.int64,
    "prompt_tokens": np.int64,
    "margin": np.float64,
    "entropy": np.float64,
}
_OPTIONAL = ("margin", "entropy")  # files that were written before these were kept lack them
# Parquet column of each of these, one value a sample and rung.
_COLUMNS = {name: name for name in _DTYPES} | {"scores": "score", "answers": "answer"}


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Scores, answers and costs of every sample at every rung; the arrays cannot be written to.

    Attributes:
        sample_ids: unique names, shape [n].
        groups: question type of each sample (``"all"`` where a dataset has none), shape [n].
        scales: visual tokens of each rung, strictly increasing, length k.
        scores: task score in [0, 1], shape [n, k].
        answers: generated texts, shape [n, k].
        confidence: mean log-probability of the generated tokens, natural log, shape [n, k]; NaN
            everywhere if unknown, as in curves from another tool's logs.
        flops: floating point operations of the whole sample, shape [n, k]; NaN everywhere if
            unknown.
        seconds: wall time of the whole sample, vision encoder included, shape [n, k]; NaN
            everywhere if unknown.
        num_visual_tokens: visual tokens really used, shape [n, k].
        prompt_tokens: whole prompt, visual tokens included, shape [n, k]; 0 where unknown.
        margin: probability of the first generated token less that of the next best, in [0, 1],
            shape [n, k]; NaN where unknown, which is everywhere by default.
        entropy: of the first generated token's distribution, in nats, shape [n, k]; NaN where
            unknown, which is everywhere by default.

    Raises:
        ValueError: if anything above does not hold; names every problem at once.
    """

    sample_ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    scales: tuple[int, ...]
    scores: NDArray[np.float64]
    answers: NDArray[np.str_]
    confidence: NDArray[np.float64]
    flops: NDArray[np.float64]
    seconds: NDArray[np.float64]
    num_visual_tokens: NDArray[np.int64]
    prompt_tokens: NDArray[np.int64]
    margin: NDArray[np.float64] = field(default_factory=lambda: np.array(np.nan))
    entropy: NDArray[np.float64] = field(default_factory=lambda: np.array(np.nan))

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", tuple(int(m) for m in self.scales))
        for name, dtype in {"sample_ids": np.str_, "groups": np.str_, **_DTYPES}.items():
            array: NDArray[Any] = np.array(getattr(self, name), dtype=dtype)
            if name in _OPTIONAL and not array.ndim:
                array = np.full(self.scores.shape, array)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if problems := _problems(self):
            raise ValueError("curves are not well formed: " + "; ".join(problems))

    def __len__(self) -> int:
        return len(self.sample_ids)

    @property
    def num_rungs(self) -> int:
        """Number of scales, k."""
        return len(self.scales)

    def select(self, which: Sequence[str] | NDArray[np.str_] | NDArray[np.bool_]) -> "Curves":
        """Return the curves of some samples.

        Args:
            which: a boolean mask with shape [n], or sample ids in the order wanted.

        Raises:
            ValueError: if the mask has another length or an id is unknown.
        """
        picked = _positions(self.sample_ids, np.asarray(which))
        names = [f.name for f in fields(self) if f.name != "scales"]
        return replace(self, **{name: getattr(self, name)[picked] for name in names})


def write_curves(path: str | Path, curves: Curves, metadata: Mapping[str, Any]) -> None:
    """Write curves to a Parquet file, whole or not at all.

    Args:
        path: file to write; its folder is made, an older file is replaced.
        curves: what to write.
        metadata: how the curves came about, JSON values; at least ``model`` and ``scorer``.

    Raises:
        ValueError: if ``model`` or ``scorer`` is not in ``metadata``.
    """
    import pyarrow.parquet as pq

    if missing := {"model", "scorer"} - set(metadata):
        raise ValueError(f"metadata of curves needs {sorted(missing)}, got {sorted(metadata)}")
    target, table = Path(path), to_table(curves, metadata)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, lambda file: pq.write_table(table, file))


def to_table(
    curves: Curves, metadata: Mapping[str, Any], rows: NDArray[np.int64] | None = None
) -> "pa.Table":
    """Return curves as they are written, one row a sample and rung.

    Args:
        curves: of any number of samples.
        metadata: how they came about, JSON values.
        rows: where each sample stands in its dataset, shape [n]; becomes one more column.
    """
    import pyarrow as pa

    n, k = len(curves), curves.num_rungs
    flat = {column: getattr(curves, name).ravel() for name, column in _COLUMNS.items()}
    ids = {"sample_id": np.repeat(curves.sample_ids, k), "group": np.repeat(curves.groups, k)}
    rungs = {"rung": np.tile(np.arange(k), n), "scale": np.tile(np.array(curves.scales), n)}
    at = {} if rows is None else {"row": np.repeat(rows, k)}
    about = {"created_by": _created_by(), **metadata, "ladder": list(curves.scales)}
    columns = {**ids, **rungs, **flat, **at}
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return table.replace_schema_metadata({ABOUT_KEY: json.dumps(about).encode()})


def read_curves(path: str | Path) -> Curves:
    """Read the curves of a run's folder or of a Parquet file, whose rows may come in any order.

    Samples come in the order of the dataset where that is known, else of their first rows.

    Raises:
        DataError: if there is no such file or run, the run is not finished, it holds no curves,
            samples lack rungs or have one twice, or samples were run on different ladders.
    """
    path = Path(path)
    table = read_run(path) if path.is_dir() else read_parquet(path)
    _check_columns(path, table.schema, table.num_rows)
    about = said(table.schema, ABOUT_KEY, {})
    needed = {"sample_id", "group", "scale", "row", *_COLUMNS.values()} & set(table.schema.names)
    columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in needed}
    names, first, home = np.unique(columns["sample_id"], return_index=True, return_inverse=True)
    scales = tuple(about.get("ladder") or np.unique(columns["scale"]).tolist())
    if strange := set(np.unique(columns["scale"]).tolist()) - set(scales):
        raise DataError(f"{path} mixes ladders: scales {sorted(strange)} are not of {scales}")
    place = columns["row"][first] if "row" in columns else first
    order = np.argsort(np.argsort(place))[home]
    rows = np.lexsort((columns["scale"], order))
    seen = np.zeros((len(names), len(scales)), dtype=np.int64)
    np.add.at(seen, (order, np.searchsorted(scales, columns["scale"])), 1)
    if (odd := (seen != 1).any(axis=1)).any():
        name = columns["sample_id"][first[np.argsort(place)][odd.argmax()]]
        raise DataError(
            f"{path}: {odd.sum()} of {len(names)} samples are incomplete or mix ladders; "
            f"{str(name)!r} needs each of scales {scales} once, has {seen[odd.argmax()].tolist()}"
        )
    shape = (len(names), len(scales))
    sorted_ = {
        name: columns[column][rows].reshape(shape)
        for name, column in _COLUMNS.items()
        if column in columns
    }
    ids, groups = (columns[c][rows].reshape(shape)[:, 0] for c in ("sample_id", "group"))
    try:
        return Curves(sample_ids=ids, groups=groups, scales=scales, **sorted_)
    except ValueError as problem:
        raise DataError(f"{path}: {problem}") from problem


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return how the curves of a file or of a run's folder came about.

    Returns:
        model, ladder, scorer, created_by, and more.

    Raises:
        DataError: if there is no such file or run, or it holds no curves.
    """
    path = Path(path)
    if path.is_dir():
        check_finished(path)
        return about_run(path)
    file = open_parquet(path)
    _check_columns(path, file.schema_arrow, file.metadata.num_rows)
    about: dict[str, Any] = said(file.schema_arrow, ABOUT_KEY, {})
    return about


def _check_columns(path: Path, schema: "pa.Schema", num_rows: int) -> None:
    columns = {name: column for name, column in _COLUMNS.items() if name not in _OPTIONAL}
    needed = {"sample_id", "group", "scale", *columns.values()}
    if missing := needed - set(schema.names):
        raise DataError(f"{path} holds no curves: it lacks the columns {sorted(missing)}")
    if not num_rows:
        raise DataError(f"{path} holds no curves: it has no rows")


def _created_by() -> str:
    try:
        return f"matryoshka-budget {version('matryoshka-budget')}"
    except PackageNotFoundError:
        return "matryoshka-budget (not installed)"


def _positions(sample_ids: NDArray[np.str_], which: NDArray[np.generic]) -> NDArray[np.int64]:
    if which.dtype == np.bool_:
        if which.shape != sample_ids.shape:
            raise ValueError(f"a mask needs shape {sample_ids.shape}, got {which.shape}")
        return np.flatnonzero(which).astype(np.int64)
    if which.size and which.dtype.kind not in "UTO":
        raise ValueError(f"select takes sample ids or a boolean mask, got {which.dtype} values")
    home = {name: i for i, name in enumerate(sample_ids.tolist())}
    wanted = [str(name) for name in which.tolist()]
    if unknown := [name for name in wanted if name not in home]:
        raise ValueError(f"{len(unknown)} unknown sample ids, first: {unknown[0]!r}")
    return np.array([home[name] for name in wanted], dtype=np.int64)


def _problems(curves: Curves) -> list[str]:
    """Return what is wrong, shapes first; values are only looked at where shapes are right."""
    n, k = curves.sample_ids.size, len(curves.scales)
    problems = [
        f"{name} must have shape {want}, got {getattr(curves, name).shape}"
        for name, want in {
            "sample_ids": (n,),
            "groups": (n,),
            **dict.fromkeys(_DTYPES, (n, k)),
        }.items()
        if getattr(curves, name).shape != want
    ]
    if not k or curves.scales[0] < 1 or any(a >= b for a, b in pairwise(curves.scales)):
        problems.append(f"scales must be positive and strictly increasing, got {curves.scales}")
    if repeated := n - np.unique(curves.sample_ids).size:
        problems.append(f"sample_ids must be unique, {repeated} are repeated")
    if bad := int((~np.isfinite(curves.scores)).sum()):
        problems.append(f"scores must be finite, {bad} values are not")
    for name in ("confidence", "flops", "seconds"):
        values = getattr(curves, name)
        # All or none: a lone NaN is no lack of knowledge but something that went wrong.
        if not np.isnan(values).all() and (bad := int((~np.isfinite(values)).sum())):
            problems.append(f"{name} must be finite or NaN everywhere, {bad} values are not")
    for name in _OPTIONAL:
        if bad := int(np.isinf(getattr(curves, name)).sum()):
            problems.append(f"{name} must be finite or NaN, {bad} values are not")
    if ((curves.scores < 0) | (curves.scores > 1)).any():
        low, high = np.nanmin(curves.scores), np.nanmax(curves.scores)
        problems.append(f"scores must lie in [0, 1], got {low:g} to {high:g}")
    for name in ("flops", "seconds", "num_visual_tokens", "prompt_tokens"):
        if (getattr(curves, name) < 0).any():
            problems.append(f"{name} must not be negative, got {getattr(curves, name).min():g}")
    return problems
