import lightgbm
import numpy as np
import pytest

from policies.lightgbm_text import format_model, parse_model
from policies.packed_trees import PackedTrees, can_pack


def grown(seed, *, leaves=15, trees=12, columns=6, missing=False, rows=400):
    """A checked model of trees of all shapes, and rows like those it has seen."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(rows, columns)), 1)  # ties with the thresholds
    y = np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2]
    if missing:
        X[rng.random(X.shape) < 0.2] = np.nan
    settings = {"num_leaves": leaves, "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    data = lightgbm.Dataset(X, y, params=settings)
    booster = lightgbm.train({**settings, "objective": "regression"}, data, trees)
    return parse_model(booster.model_to_string(), columns), X


@pytest.mark.parametrize("leaves", [2, 3, 7, 16])
def test_sums_are_those_of_lightgbm(leaves):
    models, X = [], None
    for seed, trees in enumerate((1, 30, 7)):
        model, X = grown(seed, leaves=leaves, trees=trees)
        models.append(model)
    assert can_pack(models)
    expected = [
        lightgbm.Booster(model_str=format_model(model)).predict(X, raw_score=True)
        for model in models
    ]
    found = PackedTrees(models).sums(X)
    np.testing.assert_allclose(found, np.column_stack(expected), rtol=1e-12, atol=1e-12)


def test_trees_without_a_split_are_constants():
    model, X = grown(0, rows=3)
    assert {tree.split_feature for tree in model.trees} == {""}
    packed = PackedTrees([model])
    constant = sum(float(tree.leaf_value) for tree in model.trees)
    np.testing.assert_allclose(packed.sums(X), np.full((3, 1), constant))


def test_rows_do_not_depend_on_their_neighbours():
    model, X = grown(0)
    packed = PackedTrees([model, model])
    alone = np.vstack([packed.sums(row[None]) for row in X])
    assert (packed.sums(X) == alone).all()
    assert packed.sums(X[:0]).shape == (0, 2)


def test_large_trees_and_missing_values_are_left_to_lightgbm():
    assert not can_pack([grown(0)[0], grown(0, leaves=17)[0]])
    assert not can_pack([grown(0, missing=True)[0]])
