from itertools import pairwise

import numpy as np
import pytest

from policies.allocation import (
    Sweep,
    choice_path,
    choose_rungs,
    price_for_accuracy,
    solve_price,
)

COSTS = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


@pytest.fixture
def scores():
    return np.random.default_rng(0).random((300, 5))


def test_a_free_choice_is_the_best_rung_and_a_dear_one_the_cheapest(scores):
    assert (choose_rungs(scores, COSTS, 0.0) == scores.argmax(axis=1)).all()
    assert (choose_rungs(scores, COSTS, 1e6) == 0).all()


def test_more_price_never_costs_more(scores):
    rungs = [choose_rungs(scores, COSTS, p) for p in (0.0, 0.1, 0.5, 1.0, 3.0, 30.0)]
    assert all((a >= b).all() for a, b in pairwise(rungs))


def test_ties_go_to_the_cheapest_rung():
    assert choose_rungs(np.full((3, 5), 0.5), COSTS, 0.0).tolist() == [0, 0, 0]


def test_price_is_score_per_full_rung():
    scores = np.array([[0.0, 0.4]])
    costs = np.array([2.0, 10.0])  # 0.8 of the full cost lies between the rungs
    assert choose_rungs(scores, costs, 0.49).tolist() == [1]
    assert choose_rungs(scores, costs, 0.51).tolist() == [0]


def test_every_point_of_a_sweep_is_what_choosing_at_its_price_gives(scores):
    real = np.random.default_rng(1).random(scores.shape)
    costs = COSTS + np.random.default_rng(2).random((300, 1))
    frontier = Sweep(scores, real, costs).frontier()
    rows = np.arange(300)
    for i in range(0, len(frontier.prices), 37):
        rungs = choose_rungs(scores, costs, frontier.prices[i])
        assert frontier.costs[i] == pytest.approx(costs[rows, rungs].mean())
        assert frontier.scores[i] == pytest.approx(real[rows, rungs].mean())
    assert frontier.prices[-1] == 0.0


def test_a_path_only_climbs(scores):
    path = choice_path(scores, COSTS)
    assert (path.stop > path.start).all()
    assert (np.diff(path.price) <= 0).all()


def test_weights_are_repeated_samples(scores):
    real = np.random.default_rng(1).random(scores.shape)
    drawn = np.random.default_rng(3).integers(300, size=300)
    weights = np.bincount(drawn, minlength=300).astype(float)
    weighted = Sweep(scores, real, COSTS).frontier(weights)
    repeated = Sweep(scores[drawn], real[drawn], COSTS).frontier()
    for cost in (2.0, 20.0, 100.0):
        assert weighted.at(cost) == pytest.approx(repeated.at(cost))


@pytest.mark.parametrize("target", [1.0, 5.0, 40.0, 100.0])
def test_a_solved_price_spends_at_most_the_target_and_nearly_all_of_it(scores, target):
    price = solve_price(scores, COSTS, target)
    spent = COSTS[choose_rungs(scores, COSTS, price)].mean()
    assert spent <= target + 1e-9
    assert spent >= target - COSTS[-1] / 300 - 1e-9 or price == 0.0


def test_a_target_below_the_cheapest_rung_is_refused(scores):
    with pytest.raises(ValueError, match=r"at least that of the cheapest rung, 1, got 0\.5"):
        solve_price(scores, COSTS, 0.5)


def test_the_price_for_accuracy_is_the_largest_that_keeps_the_promise(scores):
    real = np.clip(scores + 0.1 * np.arange(5), 0, 2)
    price = price_for_accuracy(scores, real, COSTS, 0.02)
    rows, target = np.arange(300), real[:, -1].mean() - 0.02
    assert real[rows, choose_rungs(scores, COSTS, price)].mean() >= target
    frontier = Sweep(scores, real, COSTS).frontier()
    assert (frontier.scores[frontier.prices > price] < target).all()


def test_without_any_price_that_keeps_the_promise_it_is_zero():
    blind = np.zeros((4, 2))
    real = np.array([[0.0, 1.0]] * 4)
    assert price_for_accuracy(blind, real, np.array([1.0, 2.0]), 0.1) == 0.0


@pytest.mark.parametrize(
    ("scores", "costs", "price", "message"),
    [
        (np.zeros((2, 2)), np.array([1.0, 2.0]), -0.1, "price must be"),
        (np.zeros((2, 2)), np.array([1.0, 2.0]), np.nan, "price must be"),
        (np.zeros(2), np.array([1.0, 2.0]), 0.1, r"shape \[n, k\]"),
        (np.zeros((2, 2)), np.array([1.0]), 0.1, "costs must have shape"),
        (np.zeros((2, 2)), np.array([2.0, 1.0]), 0.1, "must rise"),
        (np.full((2, 2), np.nan), np.array([1.0, 2.0]), 0.1, "NaN"),
    ],
)
def test_tables_that_make_no_sense_are_refused(scores, costs, price, message):
    with pytest.raises(ValueError, match=message):
        choose_rungs(scores, costs, price)
