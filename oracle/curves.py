"""One sample's score, answer and cost at every rung, for many samples, and its file.

The file is Parquet with one row a sample and rung; how it came about (model, ladder, scorer,
version of this package) is in the schema's metadata.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError

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
}
# Parquet column of each of these, one value a sample and rung.
_COLUMNS = {name: name for name in _DTYPES} | {"scores": "score", "answers": "answer"}
_META_KEY = b"matryoshka_budget"


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", tuple(int(m) for m in self.scales))
        for name, dtype in {"sample_ids": np.str_, "groups": np.str_, **_DTYPES}.items():
            array: NDArray[Any] = np.array(getattr(self, name), dtype=dtype)
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


def concatenate(parts: Sequence[Curves]) -> Curves:
    """Join curves of disjoint samples that share one ladder, in the order given.

    Raises:
        ValueError: if there is nothing to join, ladders differ or a sample is there twice.
    """
    ladders = {part.scales for part in parts}
    if len(ladders) != 1:
        raise ValueError(f"curves to join must share one ladder, got {sorted(ladders)}")
    names = [f.name for f in fields(Curves) if f.name != "scales"]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Curves(scales=ladders.pop(), **joined)


def write_curves(path: str | Path, curves: Curves, metadata: Mapping[str, Any]) -> None:
    """Write curves to a Parquet file, whole or not at all.

    Args:
        path: file to write; its folder is made, an older file is replaced.
        curves: what to write.
        metadata: how the curves came about, JSON values; at least ``model`` and ``scorer``.

    Raises:
        ValueError: if ``model`` or ``scorer`` is not in ``metadata``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if missing := {"model", "scorer"} - set(metadata):
        raise ValueError(f"metadata of curves needs {sorted(missing)}, got {sorted(metadata)}")
    n, k = len(curves), curves.num_rungs
    flat = {column: getattr(curves, name).ravel() for name, column in _COLUMNS.items()}
    ids = {"sample_id": np.repeat(curves.sample_ids, k), "group": np.repeat(curves.groups, k)}
    rungs = {"rung": np.tile(np.arange(k), n), "scale": np.tile(np.array(curves.scales), n)}
    about = {**metadata, "ladder": list(curves.scales), "created_by": _created_by()}
    table = pa.table({name: pa.array(values) for name, values in {**ids, **rungs, **flat}.items()})
    table = table.replace_schema_metadata({_META_KEY: json.dumps(about).encode()})
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    pq.write_table(table, unfinished)
    os.replace(unfinished, target)


def read_curves(path: str | Path) -> Curves:
    """Read curves from a Parquet file; the rows may come in any order.

    Raises:
        DataError: if there is no such file, it holds no curves, samples lack rungs or have one
            twice, or samples were run on different ladders.
    """
    table = _read_table(path)
    about = _about(table)
    columns = {
        name: table.column(name).to_numpy(zero_copy_only=False) for name in table.schema.names
    }
    names, first, home = np.unique(columns["sample_id"], return_index=True, return_inverse=True)
    scales = tuple(about.get("ladder") or np.unique(columns["scale"]).tolist())
    if strange := set(np.unique(columns["scale"]).tolist()) - set(scales):
        raise DataError(f"{path} mixes ladders: scales {sorted(strange)} are not of {scales}")
    order = np.argsort(np.argsort(first))[home]  # samples keep the order of their first rows
    rows = np.lexsort((columns["scale"], order))
    seen = np.zeros((len(names), len(scales)), dtype=np.int64)
    np.add.at(seen, (order, np.searchsorted(scales, columns["scale"])), 1)
    if (odd := (seen != 1).any(axis=1)).any():
        name = columns["sample_id"][np.sort(first)[odd.argmax()]]
        raise DataError(
            f"{path}: {odd.sum()} of {len(names)} samples are incomplete or mix ladders; "
            f"{str(name)!r} needs each of scales {scales} once, has {seen[odd.argmax()].tolist()}"
        )
    shape = (len(names), len(scales))
    sorted_ = {name: columns[column][rows].reshape(shape) for name, column in _COLUMNS.items()}
    ids, groups = (columns[c][rows].reshape(shape)[:, 0] for c in ("sample_id", "group"))
    try:
        return Curves(sample_ids=ids, groups=groups, scales=scales, **sorted_)
    except ValueError as problem:
        raise DataError(f"{path}: {problem}") from problem


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return how the curves in ``path`` came about: model, ladder, scorer, created_by, and more.

    Raises:
        DataError: if there is no such file or it holds no curves.
    """
    return _about(_read_table(path))


def _read_table(path: str | Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not Path(path).is_file():
        raise DataError(f"no such file of curves: {path}")
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as problem:
        raise DataError(f"{path} is no Parquet file: {problem}") from problem
    needed = {"sample_id", "group", "scale", *_COLUMNS.values()}
    if missing := needed - set(table.schema.names):
        raise DataError(f"{path} holds no curves: it lacks the columns {sorted(missing)}")
    if not table.num_rows:
        raise DataError(f"{path} holds no curves: it has no rows")
    return table


def _about(table: "pa.Table") -> dict[str, Any]:
    raw = (table.schema.metadata or {}).get(_META_KEY, b"{}")
    about: dict[str, Any] = json.loads(raw)
    return about


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
    if ((curves.scores < 0) | (curves.scores > 1)).any():
        low, high = np.nanmin(curves.scores), np.nanmax(curves.scores)
        problems.append(f"scores must lie in [0, 1], got {low:g} to {high:g}")
    for name in ("flops", "seconds", "num_visual_tokens", "prompt_tokens"):
        if (getattr(curves, name) < 0).any():
            problems.append(f"{name} must not be negative, got {getattr(curves, name).min():g}")
    return problems
