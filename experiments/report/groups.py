"""Which groups a report shows: the curves' own, those of a column, or clusters of questions."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from budget.errors import DataError
from experiments.report.clusters import find_clusters

MOST_GROUPS = 200
_BANDS = 5  # of a column of numbers with more values than ``_FEW``
_FEW = 20


class GroupChoice(NamedTuple):
    """What a user asked for.

    Attributes:
        column: whose values are the groups; empty for none.
        clusters: whether questions are clustered.
        num: how many clusters; None chooses.
    """

    column: str = ""
    clusters: bool = False
    num: int | None = None

    @property
    def own(self) -> bool:
        """Whether the groups are those of the curves."""
        return not self.column and not self.clusters


class Data(Protocol):
    """Samples with columns, in the order of some curves."""

    @property
    def column_names(self) -> Sequence[str]:
        """Names of the columns there are."""
        ...

    def column(self, name: str) -> list[Any]:
        """Return one value a sample."""
        ...


class Grouped(NamedTuple):
    """Groups of a run's samples, and of those that baselines learn from.

    Attributes:
        groups: shape [n].
        fit: shape [n of the fit curves]; None where there are none.
        said: where they come from, in words.
    """

    groups: NDArray[np.str_]
    fit: NDArray[np.str_] | None
    said: str


def parse_groups(text: str | None) -> GroupChoice:
    """Return what ``--groups`` asks for.

    Raises:
        DataError: if it is none of ``column:NAME``, ``clusters`` and ``clusters:K``.

    Example:
        >>> parse_groups("clusters:8"), parse_groups(None).own
        (GroupChoice(column='', clusters=True, num=8), True)
    """
    if text is None:
        return GroupChoice()
    kind, _, rest = text.partition(":")
    if kind == "column" and rest:
        return GroupChoice(column=rest)
    if kind == "clusters":
        if text == "clusters":
            return GroupChoice(clusters=True)
        if rest.isdecimal() and 2 <= int(rest) <= MOST_GROUPS:
            return GroupChoice(clusters=True, num=int(rest))
        raise DataError(f"--groups clusters:K takes a K from 2 to {MOST_GROUPS}, got {rest!r}")
    raise DataError(f"--groups takes column:NAME, clusters or clusters:K, got {text!r}")


def find_groups(choice: GroupChoice, data: Data, fit: Data | None, seed: int) -> Grouped:
    """Return the groups of a run's samples by its data.

    Args:
        choice: a column or clusters.
        data: of the run's samples.
        fit: of the fit curves' samples, which are grouped alike.
        seed: of the clusters.

    Raises:
        DataError: if there is no such column, its values are no groups, or questions cannot be
            clustered.
    """
    if choice.clusters:
        return _clustered(choice.num, data, fit, seed)
    values = _values(data, choice.column)
    fit_values = None if fit is None else _values(fit, choice.column)
    said = f"the column '{choice.column}'"
    if (edges := _edges(values)) is not None:
        known = None if fit_values is None else _banded(fit_values, edges)
        bands = f"{said}, in {len(edges) - 1} bands of about equal size"
        return Grouped(_banded(values, edges), known, bands)
    groups = np.array([_named(value) for value in values])
    if (count := np.unique(groups).size) > MOST_GROUPS:
        raise DataError(
            f"the column {choice.column!r} has {count:,} different values, which are no groups; "
            f"up to {MOST_GROUPS} are"
        )
    known = None if fit_values is None else np.array([_named(value) for value in fit_values])
    return Grouped(groups, known, said)


def _clustered(num: int | None, data: Data, fit: Data | None, seed: int) -> Grouped:
    questions = data.column("question")
    found = find_clusters(questions, num, seed)
    known = None if fit is None else found.assign(fit.column("question"))
    how = "as many as separate them best (silhouette)" if num is None else "as many as asked for"
    said = (
        f"{len(found.names)} clusters of questions by their words (TF-IDF and k-means), {how}, "
        "named by what stands out in them"
    )
    return Grouped(found.assign(questions), known, said)


def _values(data: Data, name: str) -> list[Any]:
    if name not in data.column_names:
        raise DataError(
            f"the data have no column {name!r}; they have {', '.join(data.column_names)}"
        )
    values = data.column(name)
    if odd := [value for value in values if not isinstance(value, str | int | float | None)]:
        raise DataError(
            f"the column {name!r} cannot give groups: it holds {type(odd[0]).__name__} values; "
            "texts and numbers can"
        )
    return values


def _edges(values: Sequence[Any]) -> list[float] | None:
    """Return the ends of bands of numbers that take too many values to be groups themselves."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    known = np.array([v for v in numbers if np.isfinite(v)], dtype=np.float64)
    if len(numbers) < sum(v is not None for v in values) or np.unique(known).size <= _FEW:
        return None
    edges: list[float] = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1))).tolist()
    return edges


def _banded(values: Sequence[Any], edges: Sequence[float]) -> NDArray[np.str_]:
    # Names sort as the bands do: a number of its own stands before each.
    names = [f"{i + 1}: {low:.4g} to {high:.4g}" for i, (low, high) in enumerate(pairwise(edges))]
    numbers = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    at = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(names) - 1)
    return np.where(np.isfinite(numbers), np.array(names)[at], "none")


def _named(value: Any) -> str:
    """Return a value as the name of a group; what is empty has a name, too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "none" if value is None or not (text := str(value).strip()) else text
