"""What is tuned, on what: everything that makes two studies comparable."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from policies.families import known_settings, make_estimator
from policies.features import current_schema
from policies.folds import CrossValidation, picture_groups, split_folds
from policies.hull import FloatArray
from policies.search_spaces import space_of


@dataclass(frozen=True)
class TuningTask:
    """A family of predictors, and the samples and folds that its settings are judged on.

    Attributes:
        family: a family that has a search space.
        sample_ids: shape [n].
        features: of the samples, shape [n, d].
        scores: real score of every rung, shape [n, k].
        scales: of the ladder, rising, length k.
        num_folds: of the cross-validation, at least 2.
        seed: of the folds, the search and the fits.
        threads: of every fit; does not change what is found.
        tokens: visual tokens that samples took, shape [n, k]; None for what the scales say.

    Raises:
        PolicyError: if the family has no search space.
    """

    family: str
    sample_ids: Any
    features: FloatArray
    scores: FloatArray
    scales: tuple[int, ...]
    num_folds: int = 5
    seed: int = 0
    threads: int = 1
    tokens: Any = None

    def __post_init__(self) -> None:
        space_of(self.family)

    @cached_property
    def folds(self) -> Any:
        """Fold of each sample, shape [n]; samples of one picture are in one fold."""
        return split_folds(picture_groups(self.features), self.num_folds, self.seed)

    @cached_property
    def measure(self) -> CrossValidation:
        """The cross-validation; raises ``DataError`` where there is no gap to close."""
        return CrossValidation(self.features, self.scores, self._costs, self.folds)

    @cached_property
    def _costs(self) -> FloatArray:
        return np.array(self.scales if self.tokens is None else self.tokens, dtype=np.float64)

    def estimator(self, settings: Mapping[str, Any]) -> Any:
        """Return an unfitted estimator of the family."""
        common = {"random_state": self.seed, "num_threads": self.threads}
        return make_estimator(self.family, **known_settings(self.family, common) | dict(settings))

    def other_seed(self, seed: int) -> "TuningTask":
        """Return the same task with other folds and fits."""
        return replace(self, seed=seed)

    def values(
        self,
        settings: Mapping[str, Any],
        told: Callable[[list[float]], object] = lambda values: None,
    ) -> list[float]:
        """Return the gap closed on every fold, fold by fold.

        Args:
            settings: of the family's estimator.
            told: called after every fold with all values so far; what it raises ends the work.
        """
        values: list[float] = []
        for fold in range(len(self.measure)):
            values.append(self.measure.measure(self.estimator(settings), fold))
            told(values)
        return values

    def identity(self) -> dict[str, str]:
        """Return what must be the same for values to be comparable, by name."""
        ids = "\n".join(str(name) for name in self.sample_ids).encode()
        parts = [repr(self.scales).encode(), _bytes(self.scores, np.float64)]
        if (self._costs != np.array(self.scales)).any():
            parts.append(_bytes(self._costs, np.float64))
        return {
            "family": self.family,
            "samples": _sha256(ids),
            "scores": _sha256(*parts),
            "features": current_schema().sha256,
            "folds": _sha256(_bytes(self.folds, np.int64)),
            "seed": str(self.seed),
        }


def _bytes(table: Any, dtype: type) -> bytes:
    return np.ascontiguousarray(table, dtype=dtype).tobytes()


def _sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
