import math

import numpy as np
import pytest

from budget.stable import stable_scores
from policies.bootstrap import choice_interval, interval, mean_interval
from policies.frontier import (
    aiq,
    apgr,
    fixed_frontier,
    fixed_hull,
    gap_closed_area,
    gap_closed_at,
    log_area,
    nauc,
    policy_frontier,
    qnc,
    recovery,
    saving_at_equal_score,
)
from policies.gaps import GapMeter
from policies.hull import Frontier

COSTS = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


def answers(n=500, seed=0):
    """Right from a random rung on, with luck below it."""
    rng = np.random.default_rng(seed)
    needed = rng.integers(0, 7, size=n)
    scores = (np.arange(5) >= needed[:, None]).astype(float)
    return np.maximum(scores, (rng.random((n, 5)) < 0.1).astype(float))


def line(costs, scores):
    costs = np.asarray(costs, dtype=float)
    return Frontier(costs, np.asarray(scores, dtype=float), np.full(len(costs), np.nan))


@pytest.mark.parametrize("seed", range(5))
def test_the_hull_is_concave_rising_and_above_every_fixed_scale(seed):
    rng = np.random.default_rng(seed)
    costs, scores = np.cumsum(rng.random(8) + 0.1), rng.random(8)
    hull = fixed_hull(costs, scores)
    assert all(hull.at(c) >= s - 1e-12 for c, s in zip(costs, scores, strict=True))
    slopes = np.diff(hull.scores) / np.diff(hull.costs)
    assert (slopes > 0).all()
    assert (np.diff(slopes) <= 1e-12).all()


def test_below_the_cheapest_scale_there_is_nothing():
    assert math.isnan(fixed_hull(COSTS, np.linspace(0, 1, 5)).at(0.5))


def test_cost_of_a_score_lies_on_the_line_between_two_points():
    frontier = line([1, 3, 5], [0.0, 0.5, 0.5])
    assert frontier.cost_of(0.25) == 2.0
    assert frontier.cost_of(0.5) == 3.0
    assert math.isnan(frontier.cost_of(0.6))


def test_log_area_agrees_with_a_fine_sum():
    frontier = line([1, 4, 10], [0.1, 0.7, 0.8])
    c = np.exp(np.linspace(0, np.log(20), 200_001))
    fine = np.trapezoid(np.interp(c, frontier.costs, frontier.scores), np.log(c))
    assert log_area(frontier, 1.0, 20.0) == pytest.approx(fine, rel=1e-8)


def test_log_area_refuses_a_range_from_zero():
    with pytest.raises(ValueError, match="0 < low"):
        log_area(line([0, 1], [0, 1]), 0.0, 1.0)


def test_the_oracles_close_everything_and_random_mixing_nothing():
    scores = answers()
    meter, hull = GapMeter(scores, COSTS), fixed_frontier(scores, COSTS)
    oracle = policy_frontier(scores, scores, COSTS)
    assert meter.measure(scores).any_correct == pytest.approx(1.0, abs=1e-12)
    assert meter.measure(stable_scores(scores)).stable == pytest.approx(1.0, abs=1e-12)
    assert gap_closed_area(hull, oracle, hull, 144.0) == pytest.approx(0.0, abs=1e-12)
    assert gap_closed_at(20.0, oracle, oracle, hull) == pytest.approx(1.0)
    assert gap_closed_at(20.0, hull, oracle, hull) == pytest.approx(0.0)
    assert math.isnan(gap_closed_at(1.0, oracle, oracle, hull))


def test_no_rule_beats_the_any_correct_oracle_at_any_cost():
    scores = answers()
    oracle = policy_frontier(scores, scores, COSTS)
    for seed in range(5):
        guess = scores + np.random.default_rng(seed).normal(size=scores.shape)
        rule = policy_frontier(guess, scores, COSTS)
        assert all(rule.at(c) <= oracle.at(c) + 1e-12 for c in (1, 2, 5, 20, 60, 144))


def test_a_rule_that_knows_nothing_follows_the_fixed_scales():
    scores = answers(4000)
    blind = np.broadcast_to(scores.mean(axis=0), scores.shape)
    assert GapMeter(scores, COSTS).measure(blind).stable == pytest.approx(0.0, abs=1e-9)


def test_the_gap_of_two_kinds_of_samples_in_closed_form():
    # Half need the dear rung. The oracle spends (1 + 9) / 2 for everything right.
    scores = np.array([[1.0, 1.0], [0.0, 1.0]] * 10)
    costs = np.array([1.0, 9.0])
    oracle = policy_frontier(scores, scores, costs)
    assert oracle.costs.tolist() == [1.0, 5.0]
    assert oracle.scores.tolist() == [0.5, 1.0]
    hull = fixed_frontier(scores, costs)
    assert oracle.at(3.0) - hull.at(3.0) == pytest.approx(0.75 - 0.625)
    assert saving_at_equal_score(oracle, 1.0, 9.0) == pytest.approx(4 / 9)
    assert recovery(oracle, oracle, 1.0, 9.0) == pytest.approx(1.0)


def test_areas_on_a_linear_axis_in_closed_form():
    straight = line([1, 9], [0.5, 1.0])
    assert apgr(straight, 0.5, 1.0, 9.0) == pytest.approx(0.5)
    assert aiq(straight, 9.0) == pytest.approx(0.75)
    assert nauc(straight, 9.0) == pytest.approx(0.75)
    assert qnc(straight, 1.0, 9.0) == pytest.approx(1.0)
    dented = line([1, 5, 9], [0.5, 0.4, 1.0])
    assert aiq(dented, 9.0) == pytest.approx(0.75)  # the hull bridges the dent
    assert math.isnan(qnc(straight, 1.1, 9.0))


def test_the_envelope_is_never_below_its_frontier():
    scores = answers()
    guess = scores + np.random.default_rng(0).normal(size=scores.shape)
    plain = policy_frontier(guess, scores, COSTS)
    hulled = policy_frontier(guess, scores, COSTS, envelope=True)
    assert all(hulled.at(c) >= plain.at(c) - 1e-12 for c in plain.costs)


def test_an_interval_of_a_mean_is_two_standard_errors_wide_each_side():
    values = np.random.default_rng(0).normal(size=4000)
    low, high = mean_interval(values, np.random.default_rng(1))
    error = values.std() / math.sqrt(4000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_paired_choices_that_agree_differ_by_nothing():
    scores, rungs = answers(50), np.full(50, 3)
    drawn = choice_interval(rungs, scores, COSTS, np.random.default_rng(0), baseline=rungs)
    assert drawn == (0.0, 0.0)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).random(30)
    first, second = (
        interval(lambda w: float(w @ values), 30, np.random.default_rng(5), resamples=20)
        for _ in range(2)
    )
    assert first == second


def test_the_gap_interval_holds_the_gap():
    scores = answers()
    guess = scores + np.random.default_rng(0).normal(size=scores.shape)
    meter = GapMeter(scores, COSTS)
    found = meter.measure_with_interval(guess, np.random.default_rng(0), resamples=50)
    assert found.stable.low < found.gap.stable < found.stable.high
    assert found.any_correct.low < found.gap.any_correct < found.any_correct.high


def test_an_empty_bootstrap_is_refused():
    with pytest.raises(ValueError, match="needs samples"):
        mean_interval(np.zeros(0), np.random.default_rng(0))
