import numpy as np
import pytest

from budget.escalation import STOP
from policies.stopping import fit_stopping_rule, num_terms, terms
from policies.tried_rungs import spending

COSTS = [1, 4, 16]


def world(n=600, seed=0):
    """Two kinds of samples, alike before any answer; the first answer gives the kind away."""
    easy = np.random.default_rng(seed).random(n) < 0.5
    y = np.column_stack([easy, easy, np.ones(n)]).astype(float)
    known = {(): np.tile(y.mean(axis=0), (n, 1)), (0,): y, (1,): y[:, 1:], (0, 1): y[:, 1:]}
    return y, known.__getitem__


def chosen(rule, expected, price, rows=slice(None)):
    start = rule.choose(expected(())[rows], (), price)
    after = rule.choose(expected((0,))[rows], (0,), price)
    return start, after


def test_it_tries_the_cheapest_and_goes_up_only_where_that_was_wrong():
    y, expected = world()
    rule = fit_stopping_rule(expected, y, spending(COSTS))
    start, after = chosen(rule, expected, 0.1)
    assert (start == 0).all()
    assert after.tolist() == np.where(y[:, 0] == 1, STOP, 2).tolist()


def test_a_first_try_that_tells_nothing_is_not_worth_its_cost():
    y, _ = world()
    means = {
        tried: np.tile(y.mean(axis=0)[len(tried) and tried[-1] :], (len(y), 1))
        for tried in ((), (0,), (1,), (0, 1))
    }
    rule = fit_stopping_rule(means.__getitem__, y, spending(COSTS))
    assert (rule.choose(means[()], (), 0.1) == 2).all()
    assert (rule.choose(means[()], (), 2.0) == 0).all()


def test_at_a_high_price_all_stop_at_the_cheapest():
    y, expected = world()
    rule = fit_stopping_rule(expected, y, spending(COSTS))
    start, after = chosen(rule, expected, 1e6)
    assert (start == 0).all()
    assert (after == STOP).all()


def test_the_price_is_met_between_grid_points_too():
    """Full costs 1 and adds 1 where the answer was wrong, so prices part at 1."""
    y, expected = world()
    rule = fit_stopping_rule(expected, y, spending(COSTS), prices=np.array([8.0, 1.0, 0.125]))
    wrong = y[:, 0] == 0
    for price, goes_on in ((0.05, True), (0.5, True), (0.9, True), (1.2, False), (20.0, False)):
        _, after = chosen(rule, expected, price)
        assert ((after[wrong] == 2) == goes_on).all(), price
        assert (after[~wrong] == STOP).all()


def test_one_try_only_chooses_the_rung_of_highest_worth():
    y, expected = world()
    rule = fit_stopping_rule(expected, y, spending(COSTS, max_tries=1))
    assert (rule.choose(expected(()), (), 0.1) == 2).all()
    assert (rule.choose(expected((0,)), (0,), 0.0) == STOP).all()


def test_terms_are_all_products_of_two():
    found = terms(np.array([[2.0, 3.0]]))
    assert found.tolist() == [[1, 2, 3, 4, 6, 9]]
    assert num_terms(2) == 6


@pytest.mark.parametrize("kept_cache", [False, True])
def test_going_on_pays_only_under_the_cost_that_is_charged(kept_cache):
    """From 4 to 16 of 16: 12/16 with a kept cache, 16/16 without; the price lies between."""
    y, _ = world()
    known = {(): np.tile(y.mean(axis=0), (len(y), 1)), (0,): y, (1,): y[:, 1:], (0, 1): y[:, 1:]}
    rule = fit_stopping_rule(known.__getitem__, y, spending(COSTS, kept_cache=kept_cache))
    moves = rule.choose(known[(1,)], (1,), 1.15)
    assert (moves[y[:, 1] == 0] == (2 if kept_cache else STOP)).all()
