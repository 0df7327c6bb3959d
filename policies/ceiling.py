"""The ceiling: what a policy closes that is told what makes a sample hard.

Part of the oracle's gain is luck that no predictor can close. Where data say what makes a question
hard, in columns that no policy sees, a model that is given these columns and the group shows how
much is left to close.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from budget.errors import DataError
from policies.families import make_estimator
from policies.hull import FloatArray


def ceiling_estimator() -> Any:
    """Return the model that is fitted on hidden columns: LightGBM with all columns in every tree.

    Few columns are needed together, unlike the wide table of a policy.
    """
    return make_estimator("lightgbm", feature_fraction=1.0)


def hidden_table(
    columns: Mapping[str, ArrayLike], groups: Sequence[str], known_groups: Sequence[str]
) -> FloatArray:
    """Return hidden columns and one column a group, shape [n, d].

    Args:
        columns: hidden numbers by name, shape [n] each.
        groups: group of each sample, shape [n].
        known_groups: groups that get a column; a sample of another has 0 in all.

    Raises:
        DataError: if a column holds something that is not a finite number.

    Example:
        >>> hidden_table({"things": [3, 5]}, ["a", "b"], ["a", "b"]).tolist()
        [[3.0, 1.0, 0.0], [5.0, 0.0, 1.0]]
    """
    names = np.asarray(groups).astype(str)
    parts = [_numbers(name, values) for name, values in columns.items()]
    parts += [(names == group).astype(np.float64) for group in known_groups]
    return np.column_stack(parts)


def _numbers(name: str, values: ArrayLike) -> FloatArray:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"hidden column {name!r} must hold numbers: {error}") from error
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise DataError(f"hidden column {name!r} must hold one finite number a sample")
    return numbers


def ceiling_scores(
    *,
    fit_columns: Mapping[str, ArrayLike],
    fit_groups: Sequence[str],
    fit_scores: FloatArray,
    columns: Mapping[str, ArrayLike],
    groups: Sequence[str],
    make: Callable[[], Any] = ceiling_estimator,
) -> FloatArray:
    """Return what a model expects of every rung that is told the hidden columns, shape [n, k].

    Args:
        fit_columns: hidden numbers of the samples that it is fitted on, by name, shape [m] each.
        fit_groups: their groups, shape [m].
        fit_scores: their real scores, shape [m, k].
        columns: the same numbers of other samples, shape [n] each.
        groups: their groups, shape [n].
        make: gives the unfitted model.

    Raises:
        DataError: if a column holds something that is not a finite number.
    """
    known = sorted({str(group) for group in fit_groups})
    fitted = make().fit(hidden_table(fit_columns, fit_groups, known), fit_scores)
    expected: FloatArray = fitted.predict(hidden_table(columns, groups, known))
    return expected
