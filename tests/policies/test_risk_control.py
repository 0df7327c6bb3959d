import numpy as np
import pytest
from scene_choices import load

from budget.errors import PolicyError
from budget.risk import Risk, parse_risk
from policies.bounded_mean import bet_mean_at_most, hoeffding_bentkus_p
from policies.group_mix import mix_weights
from policies.predictor_state import PredictorState
from policies.risk_control import (
    RISK_PRICES,
    calibrate_risks,
    expected_risk_price,
    last_kept,
    last_kept_everywhere,
    try_prices,
)
from policies.risk_table import FULL_SCALE_PRICE, RiskTable, restore

TOKENS = np.array([1.0, 4.0, 9.0, 36.0, 144.0])
NUM_SPLITS = 500


def drawn_curves(count):
    """Curves of which the law is known, and predictions that are off.

    Each sample has a difficulty u, uniform in [0, 1]. At rung i of five it is right with
    probability ``sigmoid(8 (i / 4 + 0.3 - u))``, each rung drawn for itself, and what is expected
    is this probability with normal noise of 0.1.
    """
    rng = np.random.default_rng(7)
    ease = np.arange(5) / 4 + 0.3 - rng.random((count, 1))
    right = 1 / (1 + np.exp(-8 * ease))
    scores = (rng.random(right.shape) < right).astype(float)
    return right + 0.1 * rng.normal(size=right.shape), scores


@pytest.fixture(scope="module")
def real():
    data = load()
    return try_prices(data.expected, data.scores, data.tokens, data.tokens)


@pytest.fixture(scope="module")
def drawn():
    expected, scores = drawn_curves(4000)
    return try_prices(expected, scores, TOKENS, TOKENS)


def over_splits(trials, risk, count):
    """Return the true loss and the tokens of the price that each of 500 calibration splits picks.

    The splits are drawn from all curves with replacement, so that all curves together are what the
    promise is about, without error.
    """
    rng = np.random.default_rng(0)
    true_loss = np.append(trials.losses.mean(axis=0), 0.0)  # index -1: the full scale
    tokens = np.append(trials.tokens, 144.0)
    picked = []
    for _ in range(NUM_SPLITS // 50):
        rows = rng.integers(len(trials.losses), size=(count, 50))
        kept = bet_mean_at_most(trials.losses[rows], risk.epsilon, risk.delta)
        picked.append(np.where(kept.all(axis=1), len(RISK_PRICES), kept.argmin(axis=1)) - 1)
    at = np.concatenate(picked)
    return true_loss[at], tokens[at]


@pytest.mark.parametrize(("curves", "share"), [("real", 0.5), ("drawn", 0.7)])
def test_the_promise_is_broken_in_at_most_delta_of_500_splits_and_saves(curves, share, request):
    risk = Risk(epsilon=0.02, delta=0.1)
    loss, tokens = over_splits(request.getfixturevalue(curves), risk, 1000)
    allowed = 0.1 + 2.33 * np.sqrt(0.1 * 0.9 / NUM_SPLITS)  # what 1 in 100 exceed by chance
    assert (loss > risk.epsilon).mean() <= allowed
    assert tokens.mean() < share * 144


def test_the_splits_above_pick_what_the_library_picks(real):
    rows = np.random.default_rng(1).integers(len(real.losses), size=1000)
    risk = Risk(0.02, 0.1)
    kept = bet_mean_at_most(real.losses[rows], 0.02, 0.1)
    at = last_kept(real.losses[rows], risk)
    assert kept[: at + 1].all()
    assert not kept[at + 1]


def test_stricter_promises_cost_more(real):
    data = load()
    risks = [Risk(e, d) for e in (0.005, 0.01, 0.03) for d in (0.01, 0.2)]
    found = calibrate_risks(
        data.expected, data.scores, data.tokens, data.tokens,
        risks=risks, rng=np.random.default_rng(0),
    )  # fmt: skip
    tokens = np.array([row.mean_tokens for row in found.rows]).reshape(3, 2)
    assert (np.diff(tokens, axis=0) <= 0).all()
    assert (np.diff(tokens, axis=1) <= 0).all()
    assert tokens[2, 1] < 40


def test_a_policy_that_guesses_is_given_the_full_scale():
    data = load()
    blind = np.tile([0.9, 0.0, 0.0, 0.0, 0.0], (4000, 1))  # sure that the cheapest is best
    (row,) = calibrate_risks(
        blind, data.scores, data.tokens, data.tokens,
        risks=[Risk(0.01, 0.05)], rng=np.random.default_rng(0),
    ).rows  # fmt: skip
    assert row.mean_tokens == 144.0
    assert row.loss == 0.0


def test_without_enough_samples_nothing_is_promised():
    data = load()
    (row,) = calibrate_risks(
        data.expected[:10], data.scores[:10], data.tokens, data.tokens,
        risks=[Risk(0.01, 0.05)], rng=np.random.default_rng(0),
    ).rows  # fmt: skip
    assert row.is_full_scale
    assert row.price == FULL_SCALE_PRICE


def test_hoeffding_and_bentkus_may_test_as_well_and_show_less(real):
    def test(losses, bound, delta, highest):
        return hoeffding_bentkus_p(losses.mean(axis=0), len(losses), bound) <= delta

    risk = Risk(0.05, 0.1)
    order = np.random.default_rng(0).permutation(len(real.losses))
    by_mean, by_bets = last_kept(real.losses, risk, test=test), last_kept(real.losses[order], risk)
    assert -1 <= by_mean < by_bets


def test_the_expected_loss_is_kept_on_average_over_splits(real):
    epsilon, rng = 0.03, np.random.default_rng(0)
    losses = []
    for _ in range(200):
        rows = rng.permutation(len(real.losses))
        price = expected_risk_price(real._replace(losses=real.losses[rows[:500]]), epsilon)
        assert price > 0
        losses.append(real.losses[rows[500:], RISK_PRICES.tolist().index(price)].mean())
    assert np.mean(losses) <= epsilon
    assert expected_risk_price(real, 1e-6) == FULL_SCALE_PRICE


def test_a_promise_in_every_group_is_kept_in_every_group(real):
    data, risk = load(), Risk(0.05, 0.1)
    rows = np.random.default_rng(0).permutation(4000)
    at = last_kept_everywhere(real.losses[rows[:3000]], risk, data.groups[rows[:3000]])
    assert 0 < at <= last_kept(real.losses[rows[:3000]], risk)
    for group in np.unique(data.groups):
        assert real.losses[data.groups == group, at].mean() <= 0.05


def test_another_mix_of_groups_breaks_the_promise_and_weights_keep_it(real):
    """Digits alone need the full scale most; the price that was safe for all is not for them."""
    data, risk, rng = load(), Risk(0.01, 0.1), np.random.default_rng(0)
    shares = {"digit": 0.7, "counting": 0.3}
    under_mix = mix_weights(data.groups, shares)
    true_loss = under_mix @ real.losses / under_mix.sum()
    plain, weighted = [], []
    for _ in range(6):
        rows = rng.integers(4000, size=3000)
        losses, groups = real.losses[rows], data.groups[rows]
        weights = mix_weights(groups, shares)
        plain.append(last_kept(losses, risk))
        weighted.append(last_kept(losses, risk, weights=weights))
    assert np.mean(true_loss[plain] > risk.epsilon) > 0.5
    assert np.mean(true_loss[weighted] <= risk.epsilon) >= 0.8
    assert np.mean(real.tokens[weighted]) < 144


@pytest.mark.parametrize(
    ("groups", "shares", "message"),
    [
        (["a"], {"a": 0.5}, "add up to 1"),
        (["a"], {"a": 2.0, "b": -1.0}, "at least 0"),
        (["a"], {"a": 0.5, "b": 0.5}, "no calibration sample is of the groups b"),
    ],
)
def test_shares_that_cannot_be_are_refused(groups, shares, message):
    with pytest.raises(ValueError, match=message):
        mix_weights(groups, shares)


def table(*pairs):
    data = load()
    return calibrate_risks(
        data.expected[:500], data.scores[:500], data.tokens, data.tokens,
        risks=[Risk(*pair) for pair in pairs], rng=np.random.default_rng(0),
    )  # fmt: skip


def test_a_stricter_promise_stands_in_for_the_one_asked():
    found = table((0.05, 0.05), (0.02, 0.1), (0.01, 0.05))
    assert found.find(Risk(0.02, 0.1)).risk == Risk(0.02, 0.1)
    assert found.find(Risk(0.02, 0.05)).risk == Risk(0.01, 0.05)
    with pytest.raises(ValueError, match=r"known: 0\.05:0\.05, .* --risk 0\.001:0\.05"):
        found.find(Risk(0.001, 0.05))
    with pytest.raises(ValueError, match="known: none"):
        RiskTable().find(Risk(0.1))


def test_the_table_comes_back_from_its_state():
    found = table((0.05, 0.1), (0.001, 0.05))
    assert restore(found.state(), 3, 5) == found
    assert found.rows[1].is_full_scale


@pytest.mark.parametrize(("name", "value"), [("epsilon", -0.1), ("delta", 0.9)])
def test_a_state_of_impossible_promises_is_refused(name, value):
    state = table((0.05, 0.1)).state()
    broken = PredictorState("risks", {}, {**state.arrays, name: np.array([value])})
    with pytest.raises(PolicyError, match=f"{name} must be in"):
        restore(broken, 3, 5)


def test_scores_beyond_one_have_no_risk():
    with pytest.raises(ValueError, match=r"scores in \[0, 1\], got 0 to 2"):
        try_prices(np.zeros((2, 5)), np.eye(5)[:2] * 2, TOKENS, TOKENS)


@pytest.mark.parametrize("text", ["0.01", "a:b", "0.01:0.05:1", ""])
def test_a_risk_is_two_numbers(text):
    with pytest.raises(ValueError, match=r"epsilon:delta such as 0\.01:0\.05"):
        parse_risk(text)


@pytest.mark.parametrize("text", ["1:0.1", "-0.1:0.1", "0.1:0", "0.1:0.6", "nan:0.1", "0.1:nan"])
def test_impossible_risks_are_refused(text):
    with pytest.raises(ValueError, match="must be in"):
        parse_risk(text)
