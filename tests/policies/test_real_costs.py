"""Costs that differ by sample, in any order, and choices by costs that are only expected."""

import numpy as np
import pytest

from policies.allocation import Sweep, choice_path, choose_rungs, solve_price
from policies.frontier import fixed_frontier
from policies.gaps import GapMeter
from policies.hull import fixed_hull, hull_of

MEANS = np.array([1.0, 2.0, 8.0, 9.0])


@pytest.fixture
def table():
    """Scores [200, 4] and costs whose rows are in any order, ties and zeros among them."""
    rng = np.random.default_rng(0)
    costs = MEANS * rng.lognormal(0, 0.8, (200, 4))
    costs[:20, 1] = costs[:20, 0]
    costs[20:30] = 0.0
    assert (np.diff(costs, axis=1) < 0).any()
    return rng.integers(0, 3, (200, 4)) / 2, costs


def best_worth(scores, costs, price):
    worth = scores - price * costs / costs[:, -1].mean()
    return worth.max(axis=1)


def test_a_choice_at_a_price_is_the_best_of_all_for_costs_in_any_order(table):
    scores, costs = table
    rows = np.arange(200)
    for price in (0.0, 0.01, 0.3, 2.0, 50.0):
        rungs = choose_rungs(scores, costs, price)
        worth = scores - price * costs / costs[:, -1].mean()
        assert worth[rows, rungs] == pytest.approx(best_worth(scores, costs, price))
        ties = np.isclose(worth, worth.max(axis=1, keepdims=True), atol=0, rtol=1e-15)
        assert (costs[rows, rungs] <= np.where(ties, costs, np.inf).min(axis=1)).all()


def test_every_point_of_an_oracle_that_knows_real_costs_is_what_its_price_gives(table):
    scores, costs = table
    frontier, rows = Sweep(scores, scores, costs).frontier(), np.arange(200)
    assert len(frontier.costs) > 30
    for cost, score, price in zip(*frontier, strict=True):
        rungs = choose_rungs(scores, costs, price)
        assert cost == pytest.approx(costs[rows, rungs].mean())
        assert score == pytest.approx(scores[rows, rungs].mean())
    assert (np.diff(frontier.costs) > 0).all()
    assert frontier.costs[0] == pytest.approx(costs.min(axis=1).mean())
    assert frontier.scores[-1] == pytest.approx(scores.max(axis=1).mean())


def test_a_path_begins_at_the_best_of_the_cheapest(table):
    scores, costs = table
    first = choice_path(scores, costs).first
    assert (costs[np.arange(200), first] == costs.min(axis=1)).all()
    free = np.arange(20, 30)  # rungs that all cost nothing
    assert (scores[free, first[free]] == scores[free].max(axis=1)).all()


def test_the_order_of_the_columns_does_not_matter_to_who_knows_all_costs(table):
    """But for the price, which is counted in costs of the last one."""
    scores, costs = table
    shuffled = [2, 0, 3, 1]
    one = Sweep(scores, scores, costs).frontier()
    other = Sweep(scores[:, shuffled], scores[:, shuffled], costs[:, shuffled]).frontier()
    np.testing.assert_allclose(one.costs, other.costs)
    np.testing.assert_allclose(one.scores, other.scores)


def test_chosen_by_expected_costs_and_paid_in_real_ones(table):
    scores, costs = table
    expected = np.random.default_rng(1).random(scores.shape)
    frontier = Sweep(expected, scores, MEANS, paid=costs).frontier()
    believed = Sweep(expected, scores, MEANS).frontier()
    rows = np.arange(200)
    assert (np.diff(frontier.costs) > 0).all()
    for cost, score, price in zip(*frontier, strict=True):
        rungs = choose_rungs(expected, MEANS, price)
        assert cost == pytest.approx(costs[rows, rungs].mean())
        assert score == pytest.approx(scores[rows, rungs].mean())
    assert set(frontier.prices) <= set(believed.prices)


def test_what_is_paid_as_believed_changes_nothing(table):
    scores, _ = table
    expected = np.random.default_rng(1).random(scores.shape)
    plain = Sweep(expected, scores, MEANS).frontier()
    paid = Sweep(expected, scores, MEANS, paid=np.tile(MEANS, (200, 1))).frontier()
    for one, other in zip(plain, paid, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_mean_of_real_costs_can_be_kept_by_who_knows_them(table):
    scores, costs = table
    price = solve_price(scores, costs, 2.0)
    spent = costs[np.arange(200), choose_rungs(scores, costs, price)].mean()
    assert spent <= 2.0 + 1e-9


def test_a_hull_does_not_ask_for_an_order(table):
    points = np.array([1.0, 4.0, 9.0, 16.0]), np.array([0.2, 0.6, 0.5, 0.9])
    hull = fixed_hull(*points)
    shuffled = hull_of(points[0][[3, 1, 0, 2]], points[1][[3, 1, 0, 2]])
    np.testing.assert_array_equal(hull.costs, shuffled.costs)
    np.testing.assert_array_equal(hull.scores, shuffled.scores)
    with pytest.raises(ValueError, match="must increase"):
        fixed_hull(points[0][::-1], points[1])


def test_a_meter_of_real_costs_gives_the_oracle_all_and_a_rule_less(table):
    scores, costs = table
    meter = GapMeter(scores, costs, chosen_by=MEANS)
    knows_scores = meter.measure(scores)
    knows_all = GapMeter(scores, costs).measure(scores)
    assert knows_all.any_correct == pytest.approx(1.0)
    assert 0.2 < knows_scores.any_correct < 1.0
    noise = np.random.default_rng(2).random(scores.shape)
    assert meter.measure(noise).any_correct < knows_scores.any_correct


def test_intervals_survive_options_that_change_places_between_resamples():
    rng = np.random.default_rng(3)
    costs = np.array([1.0, 5.0, 5.01]) * rng.lognormal(0, 0.5, (60, 3))
    scores = (rng.random((60, 3)) < [0.3, 0.6, 0.8]).astype(float)
    found = GapMeter(scores, costs, chosen_by=np.array([1.0, 5.0, 5.01])).measure_with_interval(
        scores, rng, resamples=50
    )
    assert found.any_correct.low <= found.gap.any_correct <= found.any_correct.high


def test_costs_that_do_not_differ_by_sample_give_the_figures_of_a_ladder_exactly():
    rng = np.random.default_rng(4)
    ladder = np.array([1.0, 4.0, 9.0, 36.0, 144.0])
    scores = (rng.random((500, 5)) < np.linspace(0.4, 0.9, 5)).astype(float)
    expected = scores + rng.normal(0, 0.5, scores.shape)
    plain = GapMeter(scores, ladder)
    table = GapMeter(scores, np.tile(ladder, (500, 1)), chosen_by=ladder)
    assert plain.measure(expected) == table.measure(expected)
    one = plain.measure_with_interval(expected, np.random.default_rng(0), resamples=20)
    other = table.measure_with_interval(expected, np.random.default_rng(0), resamples=20)
    assert one == other
    assert fixed_frontier(scores, ladder).costs.tolist() == pytest.approx(
        fixed_frontier(scores, np.tile(ladder, (500, 1))).costs.tolist()
    )
