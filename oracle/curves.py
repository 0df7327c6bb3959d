"""One sample's score, answer and cost at every rung, for many samples."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES: dict[str, type] = {
    "scores": np.float64,
    "answers": np.str_,
    "confidence": np.float64,
    "flops": np.float64,
    "seconds": np.float64,
    "num_visual_tokens": np.int64,
    "prompt_tokens": np.int64,
}


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Scores, answers and costs of every sample at every rung; the arrays cannot be written to.

    Attributes:
        sample_ids: unique names, shape [n].
        groups: question type of each sample (``"all"`` where a dataset has none), shape [n].
        scales: visual tokens of each rung, strictly increasing, length k.
        scores: task score in [0, 1], shape [n, k].
        answers: generated texts, shape [n, k].
        confidence: mean log-probability of the generated tokens, natural log, shape [n, k].
        flops: floating point operations of the whole sample, shape [n, k].
        seconds: wall time of the whole sample, vision encoder included, shape [n, k].
        num_visual_tokens: visual tokens really used, shape [n, k].
        prompt_tokens: whole prompt, visual tokens included, shape [n, k].

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
    for name in ("scores", "confidence", "flops", "seconds"):
        if bad := int((~np.isfinite(getattr(curves, name))).sum()):
            problems.append(f"{name} must be finite, {bad} values are not")
    if ((curves.scores < 0) | (curves.scores > 1)).any():
        low, high = np.nanmin(curves.scores), np.nanmax(curves.scores)
        problems.append(f"scores must lie in [0, 1], got {low:g} to {high:g}")
    for name in ("flops", "seconds", "num_visual_tokens", "prompt_tokens"):
        if (getattr(curves, name) < 0).any():
            problems.append(f"{name} must not be negative, got {getattr(curves, name).min():g}")
    return problems
