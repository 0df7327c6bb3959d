import numpy as np
import pytest
from scene_choices import load

from policies.allocation import choose_rungs, relative_costs
from policies.budget_solver import (
    PriceMix,
    SplitCosts,
    choose_mixed,
    hash_draws,
    meet_budgets,
    solve_mix,
    spread_draws,
)
from policies.calibration import calibrate


def halves(costs):
    """Real curves, halved at random; costs [k] or [n, k]."""
    data = load()
    order = np.random.default_rng(0).permutation(len(data.scores))
    table = np.broadcast_to(costs, data.scores.shape)
    return [
        SplitCosts(data.expected[rows], data.scores[rows], table[rows])
        for rows in np.array_split(order, 2)
    ]


@pytest.mark.parametrize("unit", ["tokens", "flops", "ms"])
def test_a_budget_in_any_unit_is_met_exactly_where_it_was_solved(unit):
    """The price is paid on tokens; 1,000 budgets from the cheapest to what is of use."""
    data = load()
    costs = {"tokens": data.tokens, "flops": data.flops, "ms": np.array([40.0, 41, 43, 52, 95])}
    calibration, test = halves(costs[unit])
    table = calibrate(
        calibration.expected, calibration.scores, data.tokens, data.tokens,
        flops=calibration.costs, ms=calibration.costs,
    )  # fmt: skip
    known = table.mean_tokens if unit == "tokens" else table.mean_flops
    for budget in np.linspace(known[0], known[-1], 8)[:-1]:
        (met,) = meet_budgets(calibration, test, data.tokens, [budget])
        assert abs(met.calibration_error) < 1e-9 * budget
        assert met.mix == table.mix_for(unit, budget)
        assert abs(met.test_error) < 0.1


def test_tied_predictions_are_split():
    """A policy that knows eight groups alone moves hundreds of samples at once."""
    data = load()
    means = {g: data.scores[data.groups == g].mean(axis=0) for g in np.unique(data.groups)}
    expected = np.array([means[g] for g in data.groups])
    split = SplitCosts(expected, data.scores, data.tokens)
    (met,) = meet_budgets(split, split, data.tokens, [30.0])
    assert 0 < met.mix.share < 1
    assert abs(met.calibration_error) < 1e-9
    relative = relative_costs(data.tokens[None])[0]
    alone = [data.tokens[choose_rungs(expected, data.tokens, p)].mean() for p in met.mix[:2]]
    assert alone[0] < 28 < 32 < alone[1]
    drawn = choose_mixed(expected, relative, met.mix, hash_draws(data.features))
    assert data.tokens[drawn].mean() == pytest.approx(30.0, rel=0.05)
    even = choose_mixed(expected, relative, met.mix)
    assert data.tokens[even].mean() == pytest.approx(30.0, rel=0.02)


def test_a_request_is_drawn_alike_in_any_batch():
    features = load().features
    draws = hash_draws(features)
    assert (hash_draws(features[::-1].copy())[::-1] == draws).all()
    assert hash_draws(features[7:8]) == draws[7]


def test_draws_fill_the_interval_evenly():
    rows = np.random.default_rng(0).random((4000, 3))
    for draws, tolerance in ((hash_draws(rows), 0.03), (spread_draws(4000), 0.001)):
        assert ((draws >= 0) & (draws < 1)).all()
        assert np.abs(np.sort(draws) - np.arange(4000) / 4000).max() < tolerance


def test_what_is_of_no_use_is_not_spent():
    data = load()
    split = SplitCosts(data.expected, data.scores, data.tokens)
    (met,) = meet_budgets(split, split, data.tokens, [143.9])
    assert met.mix == PriceMix.single(0.0)
    assert met.calibration_error < 0


def test_a_budget_under_the_cheapest_rung_is_refused():
    with pytest.raises(ValueError, match=r"must be at least 1, got 0\.9"):
        solve_mix(np.array([0.1, 0.0]), np.array([1.0, 2.0]), 0.9)


def test_a_table_answers_only_for_units_that_it_knows():
    data = load()
    table = calibrate(data.expected, data.scores, data.tokens, data.tokens)
    assert len(table.prices) > 1000  # every breakpoint, not a selection
    with pytest.raises(ValueError, match=r"not calibrated for mean_ms \(12\); fit it with --cost"):
        table.mix_for("ms", 12.0)
    with pytest.raises(ValueError, match=r"mean_tokens must be at least 1, got 0\.5"):
        table.mix_for("tokens", 0.5)
    with pytest.raises(ValueError, match="must not fall"):
        calibrate(data.expected, data.scores, data.tokens, data.tokens, flops=-data.flops)
