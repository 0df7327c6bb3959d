import numpy as np
import pytest

from budget.stable import stable_scores


def test_lucky_hits_are_forgotten():
    scores = np.array([[1, 0, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1.0]])
    assert stable_scores(scores).tolist() == [[0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]]


def test_scores_never_fall_and_keep_the_full_scale():
    scores = np.random.default_rng(2).random((300, 6))
    held = stable_scores(scores)
    assert (np.diff(held, axis=1) >= 0).all()
    assert (held <= scores).all()
    assert (held[:, -1] == scores[:, -1]).all()
    np.testing.assert_array_equal(stable_scores(held), held)


@pytest.mark.parametrize("scores", [[1.0, 0.0], [[]], [[1.0, float("nan")]]])
def test_what_is_no_table_of_scores_is_refused(scores):
    with pytest.raises(ValueError, match="2-D array without NaN"):
        stable_scores(scores)
