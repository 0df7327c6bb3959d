import numpy as np
import pytest

from policies.allocation import choose_rungs
from policies.features import current_schema, featurize
from policies.geometry import GeometryScores
from policies.mean_scores import MeanScores


def ring(n=500, seed=0):
    """Right where two columns together are small: no line parts them, a square does."""
    X = np.random.default_rng(seed).normal(size=(n, 4))
    inside = np.square(X[:, 1:3]).sum(axis=1) < 1.5
    return X, np.stack([inside, np.ones(n)], axis=1).astype(float)


def test_it_learns_a_square_of_its_columns():
    X, y = ring()
    X_new, y_new = ring(seed=1)
    found = GeometryScores(columns=(1, 2)).fit(X, y).predict(X_new)
    assert ((found[:, 0] > 0.5) == y_new[:, 0]).mean() > 0.95


def test_no_other_column_changes_what_it_says():
    X, y = ring()
    fitted = GeometryScores(columns=(1, 2)).fit(X, y)
    other = X.copy()
    other[:, [0, 3]] = 1e6
    assert (fitted.predict(other) == fitted.predict(X)).all()


def test_by_default_it_looks_at_area_and_edges_and_never_at_the_question():
    from PIL import Image

    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, size=(40, 60, 3), dtype=np.uint8) for _ in range(40)]
    images = [Image.fromarray(p) for p in pixels]
    X = featurize(images, ["How many?"] * 40)
    fitted = GeometryScores().fit(X, rng.integers(0, 2, size=(40, 2)))
    names = [current_schema().names[column] for column in fitted.scores_.columns]
    assert names == ["log_area", "strong_edges_48"]
    other = featurize(images, ["Is there a red sign that says stop?"] * 40)
    assert (other != X).any()
    assert (fitted.predict(X) == fitted.predict(other)).all()


@pytest.mark.parametrize("price", [0.0, 0.1, 1.0])
def test_the_mean_curve_means_one_scale_for_all(price):
    X, y = ring()
    rungs = choose_rungs(MeanScores().fit(X, y).predict(X), np.array([1.0, 9.0]), price)
    assert len(set(rungs.tolist())) == 1
