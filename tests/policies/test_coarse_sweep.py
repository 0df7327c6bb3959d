"""Frontiers of few points: exact where there are few changes, close where there are many."""

import numpy as np
import pytest

from policies.allocation import Sweep
from policies.coarse_sweep import CoarsePath, CoarseSweep
from policies.frontier import gap_closed_area
from policies.hull import hull_of


def table(n=400, k=4, seed=0):
    rng = np.random.default_rng(seed)
    chances = np.sort(rng.random((n, k)), axis=1)
    scores = (rng.random((n, k)) < chances).astype(float)
    expected = np.clip(chances + rng.normal(scale=0.1, size=(n, k)), 0, 1)
    return scores, expected, 4.0 ** np.arange(k) * np.ones((n, k))


@pytest.mark.parametrize("weights", [None, "drawn"])
def test_few_changes_give_the_frontier_exactly(weights):
    scores, expected, tokens = table(n=60)
    by = tokens[0]
    weights = None if weights is None else np.random.default_rng(1).integers(0, 4, 60).astype(float)
    exact = Sweep(expected, scores, by, paid=tokens).frontier(weights)
    coarse = CoarseSweep(CoarsePath(expected, by), scores, tokens).frontier(weights)
    np.testing.assert_allclose(coarse.costs, exact.costs)
    np.testing.assert_allclose(coarse.scores, exact.scores)


def test_many_changes_are_joined_and_areas_stay_close():
    scores, expected, tokens = table(n=3000)
    exact = Sweep(expected, scores, tokens[0], paid=tokens).frontier()
    coarse = CoarseSweep(
        CoarsePath(expected, tokens[0], most_points=200), scores, tokens
    ).frontier()
    assert len(exact.costs) > 2000
    assert len(coarse.costs) <= 200
    assert coarse.costs[[0, -1]] == pytest.approx(exact.costs[[0, -1]])
    hull = hull_of(tokens[0], scores.mean(axis=0))
    oracle = Sweep(scores, scores, tokens).frontier()
    areas = [gap_closed_area(each, oracle, hull, 64.0) for each in (exact, coarse)]
    assert areas[0] == pytest.approx(areas[1], abs=2e-3)


def test_what_is_paid_need_not_rise_as_the_price_falls():
    scores, expected, tokens = table(n=200)
    paid = np.random.default_rng(3).random(scores.shape)
    frontier = CoarseSweep(CoarsePath(expected, tokens[0]), scores, paid).frontier()
    assert (np.diff(frontier.costs) > 0).all()


def test_samples_of_which_nothing_is_expected_stay_at_the_cheapest():
    scores, _, tokens = table(n=10)
    frontier = CoarseSweep(CoarsePath(np.zeros_like(scores), tokens[0]), scores, tokens).frontier()
    assert frontier.costs.tolist() == [1.0]
    assert frontier.scores.tolist() == [scores[:, 0].mean()]
