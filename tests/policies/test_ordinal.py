import numpy as np
import pytest

from budget.errors import PolicyError
from policies.ordinal import OrdinalScores, sufficient


def needs(n=400, seed=0):
    """Features whose first column says the rung from which a sample is right; some never are."""
    X = np.random.default_rng(seed).random((n, 4))
    return X, (np.arange(3) >= (4 * X[:, :1] - 0.5)).astype(float)


@pytest.mark.parametrize(
    ("scores", "enough"),
    [
        ([0.0, 1.0, 1.0], [0, 1, 1]),
        ([1.0, 0.0, 1.0], [0, 0, 1]),  # right by luck, then wrong
        ([0.0, 0.0, 0.0], [0, 0, 0]),  # nothing helps
        ([1.0, 1.0, 0.0], [0, 0, 0]),  # full scale does not get there
        ([0.3, 0.6, 0.6], [0, 1, 1]),
        ([0.9, 0.6, 0.6], [1, 1, 1]),
    ],
)
def test_a_rung_suffices_from_where_on_nothing_is_lost(scores, enough):
    assert sufficient(np.array([scores])).astype(int).tolist() == [enough]


@pytest.mark.parametrize("base", ["logistic", "lightgbm"])
def test_dearer_rungs_are_never_less_likely_to_suffice(base):
    X, y = needs()
    noise = np.random.default_rng(1).random(y.shape) < 0.2
    fitted = OrdinalScores(base=base).fit(X, np.where(noise, 1 - y, y))
    found = fitted.scores_.predict_sufficient(X)
    assert (np.diff(found, axis=1) >= -1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_for_right_and_wrong_without_luck_the_score_is_the_chance_to_suffice():
    X, y = needs()
    fitted = OrdinalScores(base="logistic").fit(X, y).scores_
    np.testing.assert_allclose(fitted.predict(X), fitted.predict_sufficient(X), atol=1e-12)


def test_luck_at_small_rungs_counts_as_often_as_it_comes():
    """Half of those that only the last rung suffices for are right at the first one too."""
    X, y = np.zeros((400, 1)), np.tile([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0]], (200, 1))
    found = OrdinalScores(base="logistic").fit(X, y).predict(X[:1])
    assert found[0] == pytest.approx([0.5, 0.0, 1.0], abs=0.01)


def test_a_base_that_is_no_family_is_refused():
    with pytest.raises(PolicyError, match="no family 'forest'"):
        OrdinalScores(base="forest").fit(*needs(20))
