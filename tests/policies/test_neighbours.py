import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor

import policies.neighbours
from policies.neighbours import NeighboursScores


def table(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1.0, 5.0, 20.0]
    return X, (X[:, :1] > [-0.5, 0.0, 0.5]).astype(float)


def test_neighbours_are_those_of_scikit_learn():
    X, y = table()
    X_new, _ = table(seed=1)
    ours = NeighboursScores(num_neighbours=7, sharpness=0.0).fit(X, y)
    standard = ours.scores_.standard
    reference = KNeighborsRegressor(7, weights=lambda d: 1 - (d / d.max(1, keepdims=True)) ** 2)
    reference.fit(standard.apply(X), y)
    expected = reference.predict(standard.apply(X_new))
    np.testing.assert_allclose(ours.predict(X_new), expected, atol=1e-5)


def test_a_sample_among_many_like_it_gets_their_scores():
    X = np.repeat([[0.0], [1.0]], 50, axis=0)
    y = np.repeat([[0.2, 0.4], [0.6, 0.8]], 50, axis=0)
    found = NeighboursScores(num_neighbours=50).fit(X, y).predict([[0.0], [1.0]])
    assert found == pytest.approx(np.array([[0.2, 0.4], [0.6, 0.8]]))


def test_columns_that_say_nothing_count_less():
    X, y = table(600)
    noise = np.random.default_rng(2).normal(size=(600, 40))
    wide = np.concatenate([X, noise], axis=1)
    errors = []
    for sharpness in (0.0, 1.0):
        fitted = NeighboursScores(num_neighbours=20, sharpness=sharpness)
        fitted.fit(wide[:400], y[:400])
        errors.append(np.square(fitted.predict(wide[400:]) - y[400:]).mean())
    assert errors[1] < 0.7 * errors[0]


def test_blocks_of_rows_change_nothing(monkeypatch):
    X, y = table()
    fitted = NeighboursScores(num_neighbours=5).fit(X, y)
    whole = fitted.predict(X)
    monkeypatch.setattr(policies.neighbours, "_CELLS", 3 * len(X))
    np.testing.assert_allclose(fitted.predict(X), whole, atol=1e-12)


def test_few_samples_are_all_neighbours():
    fitted = NeighboursScores(num_neighbours=100).fit([[0.0], [1.0]], [[0.0], [1.0]])
    assert fitted.scores_.num_neighbours == 2
