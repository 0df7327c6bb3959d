"""A model that is told what makes samples hard closes what can be closed, and no luck."""

import numpy as np
import pytest

from budget.errors import DataError
from policies.ceiling import ceiling_scores, hidden_table
from policies.evaluation import measured
from policies.gaps import GapMeter

TOKENS = np.array([1.0, 4.0, 16.0])


def drawn(n, seed, luck):
    """A hidden number says which rung is enough; luck turns some scores around."""
    rng = np.random.default_rng(seed)
    size = rng.integers(0, 3, size=n)
    scores = (np.arange(3) >= size[:, None]).astype(float)
    flip = rng.random(scores.shape) < luck
    return size, np.where(flip, 1 - scores, scores), [str(g) for g in rng.integers(0, 2, n)]


def told(luck):
    size, scores, groups = drawn(300, 0, luck)
    new_size, new_scores, new_groups = drawn(300, 1, luck)
    expected = ceiling_scores(
        fit_columns={"size": size},
        fit_groups=groups,
        fit_scores=scores,
        columns={"size": new_size},
        groups=new_groups,
    )
    return GapMeter(measured(new_scores, TOKENS).scores, TOKENS).measure(expected).stable


def test_without_luck_it_closes_everything_and_with_luck_less():
    clear = told(0.0)
    assert clear == pytest.approx(1.0, abs=0.02)
    assert told(0.15) < clear - 0.1


def test_an_unknown_group_has_no_column():
    table = hidden_table({"size": [1, 2]}, ["a", "new"], ["a", "b"])
    assert table.tolist() == [[1.0, 1.0, 0.0], [2.0, 0.0, 0.0]]


@pytest.mark.parametrize("values", [["x", "y"], [1.0, np.nan], [[1.0], [2.0]]])
def test_columns_that_are_no_numbers_are_refused(values):
    with pytest.raises(DataError, match="hidden column 'size' must hold"):
        hidden_table({"size": values}, ["a", "b"], ["a"])
