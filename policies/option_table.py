"""Scores and costs of several options on the same samples: language models, scales, anything.

Where the oracle's curves know a ladder of scales that all cost the same for every sample, here the
options are named, an option costs each sample something else, and a cheap option may well cost
one sample more than a dear one: a small model that writes a long answer. What an option will cost
is known only afterwards, so choices are made by what it costs on average (:func:`mean_costs`), and
what is counted is what each sample really cost.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from budget.errors import DataError
from policies.allocation import IntArray
from policies.hull import FloatArray

# Share of the dearest option's mean cost by which options differ that cost the same on average.
_TIE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class OptionTable:
    """What every option scored and cost on every sample; n samples, k options.

    Attributes:
        sample_ids: n different ids.
        prompts: n texts.
        groups: n names, such as the dataset that a sample is from.
        options: k different names.
        scores: in [0, 1], shape [n, k].
        costs: what was paid, at least 0, in one unit, shape [n, k].
        keys: n texts; samples of one key always fall into the same share (:mod:`policies.shares`).

    Raises:
        DataError: if anything is not so, there is no sample, there are fewer than two options, or
            an option costs nothing on average.
    """

    sample_ids: tuple[str, ...]
    prompts: tuple[str, ...]
    groups: tuple[str, ...]
    options: tuple[str, ...]
    scores: FloatArray
    costs: FloatArray
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.sample_ids:
            raise DataError("a table of options needs at least one sample")
        if len(self.options) < 2:
            raise DataError(
                f"a table needs at least two options to choose from, got {', '.join(self.options)}"
            )
        self._check_lengths()
        _refuse_repeated("option", self.options)
        _refuse_repeated("sample id", self.sample_ids)
        self._check_values("score", self.scores)
        self._check_values("cost", self.costs)
        means = self.costs.mean(axis=0)
        if not means.all():
            raise DataError(
                f"option {self.options[int(means.argmin())]!r} costs nothing on any sample; "
                "costs are compared by their ratios, so each option must cost something on average"
            )

    def __len__(self) -> int:
        return len(self.sample_ids)

    def _check_lengths(self) -> None:
        shape = len(self.sample_ids), len(self.options)
        columns = {"prompts": self.prompts, "groups": self.groups, "keys": self.keys}
        for name, column in columns.items():
            if len(column) != len(self):
                raise DataError(f"{len(self)} samples need as many {name}, got {len(column)}")
        if self.scores.shape != shape or self.costs.shape != shape:
            raise DataError(
                f"scores and costs must have shape {shape}, "
                f"got {self.scores.shape} and {self.costs.shape}"
            )

    def _check_values(self, name: str, values: FloatArray) -> None:
        legal, bounds = (values >= 0) & np.isfinite(values), "a finite number of at least 0"
        if name == "score":
            legal, bounds = legal & (values <= 1), "a number in [0, 1]"
        if not legal.all():
            row, column = np.argwhere(~legal)[0]
            raise DataError(
                f"every {name} must be {bounds}; option {self.options[column]!r} has "
                f"{values[row, column]:g} for sample {self.sample_ids[row]!r}"
                f" ({np.count_nonzero(~legal)} such values)"
            )

    def select(self, rows: Sequence[int] | IntArray) -> "OptionTable":
        """Return a table of some of the samples, options in the same order.

        Raises:
            DataError: if there are none.
        """
        rows = np.asarray(rows, dtype=np.int64)
        ids, prompts, groups, keys = (
            tuple(column[row] for row in rows)
            for column in (self.sample_ids, self.prompts, self.groups, self.keys)
        )
        return OptionTable(
            ids, prompts, groups, self.options, self.scores[rows], self.costs[rows], keys
        )

    def with_options(self, options: Sequence[str]) -> "OptionTable":
        """Return a table of some of the options, in this order.

        Raises:
            DataError: if one is not there.
        """
        if absent := [name for name in options if name not in self.options]:
            raise DataError(f"no option {absent[0]!r}; there are {', '.join(self.options)}")
        columns = [self.options.index(name) for name in options]
        return OptionTable(
            self.sample_ids,
            self.prompts,
            self.groups,
            tuple(options),
            self.scores[:, columns],
            self.costs[:, columns],
            self.keys,
        )

    def cheapest_first(self) -> "OptionTable":
        """Return the table with its options in the order of their mean costs."""
        order = np.argsort(self.costs.mean(axis=0), kind="stable")
        return self.with_options([self.options[column] for column in order])


def _refuse_repeated(what: str, names: Sequence[str]) -> None:
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(
            f"{what} {name!r} is there {count} times, "
            f"{len(names) - len(set(names))} are repeated in all; each must be there once"
        )


def mean_costs(table: OptionTable) -> FloatArray:
    """Return what every option costs on average, rising, shape [k].

    Options that cost the same on average are told apart by a billionth of the dearest, as a
    choice needs an order.

    Raises:
        DataError: if the options do not stand in the order of their mean costs.
    """
    means: FloatArray = table.costs.mean(axis=0)
    if (np.diff(means) < 0).any():
        raise DataError("the options must stand in the order of their mean costs")
    while (np.diff(means) <= 0).any():
        means = means + _TIE * means[-1] * np.arange(len(means))
    return means


def all_equal(scores: FloatArray) -> bool:
    """Return whether no option ever scores differently from another: nothing to choose by."""
    return bool((scores == scores[:, :1]).all())
