import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from policies.logistic import LogisticScores, fit_logistic


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1.0, 10.0, 0.1, 0.0] + [0.0, 100.0, 5.0, 7.0]
    return X, 1 / (1 + np.exp(-X[:, :1] - (X[:, 1:2] - 100) / 20 - [-1.0, 0.0, 1.0]))


def test_weights_are_those_of_scikit_learn_on_rows_doubled_and_weighted():
    """A score of 0.7 is 0.7 of a right answer and 0.3 of a wrong one."""
    X, shares = table()
    X = (X - X.mean(axis=0))[:, :3] / X.std(axis=0)[:3]
    weights, bias = fit_logistic(X, shares, 0.01, 500)
    doubled, labels = np.concatenate([X, X]), np.repeat([1, 0], len(X))
    for rung, share in enumerate(shares.T):
        reference = LogisticRegression(C=1 / (0.01 * len(X)), tol=1e-8, max_iter=1000)
        reference.fit(doubled, labels, sample_weight=np.concatenate([share, 1 - share]))
        np.testing.assert_allclose(weights[:, rung], reference.coef_[0], atol=1e-3)
        np.testing.assert_allclose(bias[rung], reference.intercept_[0], atol=1e-3)


def test_it_finds_the_curve_that_made_the_scores():
    X, shares = table()
    X_new, shares_new = table(seed=1)
    found = LogisticScores(penalty=1e-5).fit(X, shares).predict(X_new)
    assert np.abs(found - shares_new).max() < 0.02


def test_a_rung_that_is_always_right_is_predicted_so():
    X, shares = table()
    found = LogisticScores().fit(X, np.ones_like(shares)).predict(X)
    assert found == pytest.approx(1.0, abs=1e-3)


def test_scores_of_another_range_are_predicted_in_that_range():
    X, shares = table()
    found = LogisticScores(penalty=1e-5).fit(X, 10 * shares - 3).predict(X)
    assert np.abs(found - (10 * shares - 3)).mean() < 0.2


def test_a_column_far_outside_of_what_was_seen_does_not_decide_alone():
    X, shares = table()
    fitted = LogisticScores().fit(X, shares)
    far, further = X.copy(), X.copy()
    far[:, 1], further[:, 1] = 1e3, 1e9
    assert (fitted.predict(far) == fitted.predict(further)).all()
