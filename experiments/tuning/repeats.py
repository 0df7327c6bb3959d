"""Is the gain larger than the noise: best and default settings measured again on other folds."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from experiments.tuning.task import TuningTask

if TYPE_CHECKING:
    from optuna import Study


class Gain(NamedTuple):
    """What settings gain over others, paired by folds.

    Attributes:
        best: gap closed on every fold of every repeat by the settings that were found.
        default: the same by the default settings.
        mean: mean difference; NaN without repeats.
        error: its standard error, corrected for folds that share what they are fitted on.
    """

    best: list[float]
    default: list[float]
    mean: float
    error: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the gain exceeds two standard errors."""
        return bool(self.mean > 2 * self.error)


def paired_gain(best: Sequence[float], default: Sequence[float], num_folds: int) -> Gain:
    """Return the gain of values over others of the same folds.

    The variance of a mean over J folds is (1/J + 1/(K - 1)) times that of one fold, as Nadeau and
    Bengio (2003, "Inference for the generalization error") correct it for the overlap of what K
    folds are fitted on. What it does not hold is that the best settings were chosen on the same
    samples, in other folds.

    Args:
        best: gap closed by fold, J of them.
        default: likewise.
        num_folds: K, folds of one repeat.

    Example:
        >>> gain = paired_gain([0.5, 0.7], [0.4, 0.4], num_folds=2)
        >>> round(gain.mean, 3), gain.beyond_noise
        (0.2, False)
    """
    differences = np.subtract(best, default)
    if len(differences) < 2:
        return Gain(list(best), list(default), float("nan"), float("nan"))
    variance = differences.var(ddof=1) * (1 / len(differences) + 1 / (num_folds - 1))
    return Gain(list(best), list(default), float(differences.mean()), float(np.sqrt(variance)))


def repeat(
    study: "Study",
    task: TuningTask,
    best: Mapping[str, Any],
    default: Mapping[str, Any],
    repeats: int,
    *,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Gain:
    """Measure two settings on ``repeats`` other draws of the folds; kept with the study.

    A repeat that the study holds already is not measured again.
    """
    found: dict[str, list[float]] = {"best": [], "default": []}
    for i in range(repeats):
        other = task.other_seed(task.seed + i + 1)
        for j, (name, settings) in enumerate((("default", default), ("best", best))):
            progress(2 * i + j, 2 * repeats)
            found[name] += _kept_values(study, other, settings)
    progress(2 * repeats, 2 * repeats)
    return paired_gain(found["best"], found["default"], task.num_folds)


def _kept_values(study: "Study", task: TuningTask, settings: Mapping[str, Any]) -> list[float]:
    text = json.dumps([task.seed, dict(settings)], sort_keys=True)
    key = f"repeat {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    known: list[float] | None = study.user_attrs.get(key)
    if known is None:
        known = task.values(settings)
        study.set_user_attr(key, known)
    return known
