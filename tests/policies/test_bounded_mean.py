import numpy as np
import pytest

from policies.bounded_mean import bet_mean_at_most, hoeffding_bentkus_p

BOUND = 0.02
COLUMNS = 1500


def ternary(rng, shape):
    """Hardly ever anything but 0, as a policy's loss is; mean exactly the bound."""
    return rng.choice([-1.0, 0.0, 1.0], p=[0.01, 0.96, 0.03], size=shape)


def rare(rng, shape):
    """All or nothing."""
    return (rng.random(shape) < BOUND).astype(float)


def wide(rng, shape):
    return np.clip(rng.uniform(BOUND - 0.9, BOUND + 0.9, shape), -1, 1)


@pytest.mark.parametrize("draw", [ternary, rare, wide])
@pytest.mark.parametrize("delta", [0.05, 0.2])
def test_a_mean_just_over_the_bound_is_hardly_ever_taken(draw, delta):
    """The mean is the bound itself, the hardest case: at most delta of the columns may pass."""
    losses = draw(np.random.default_rng(0), (400, COLUMNS))
    slack = 3 * np.sqrt(delta * (1 - delta) / COLUMNS)
    assert bet_mean_at_most(losses, BOUND, delta).mean() <= delta + slack
    p_values = hoeffding_bentkus_p(losses.mean(axis=0), 400, BOUND)
    assert (p_values <= delta).mean() <= delta + slack


def test_betting_sees_that_a_loss_hardly_varies():
    """As with policies: 3,000 samples, one in fifty off by one; the mean alone shows nothing."""
    losses = np.random.default_rng(1).choice(
        [-1.0, 0.0, 1.0], p=[0.01, 0.98, 0.01], size=(3000, 40)
    )
    assert bet_mean_at_most(losses, 0.01, 0.05).mean() > 0.8
    assert (hoeffding_bentkus_p(losses.mean(axis=0), 3000, 0.01) <= 0.05).mean() == 0


def test_more_samples_show_more():
    losses = ternary(np.random.default_rng(2), (4000, 200)) - 0.02
    shown = [bet_mean_at_most(losses[:n], BOUND, 0.05).mean() for n in (200, 1000, 4000)]
    assert shown[0] < shown[1] < shown[2]


def test_weighted_losses_may_be_larger_than_one():
    rng = np.random.default_rng(3)
    losses = 2.5 * (rng.random((400, COLUMNS)) < BOUND / 2.5)
    assert bet_mean_at_most(losses, BOUND, 0.1, highest=2.5).mean() <= 0.13
    with pytest.raises(ValueError, match=r"at most 1, got 2\.5"):
        bet_mean_at_most(losses, BOUND, 0.1)


def test_p_values_of_a_coin_are_above_the_exact_ones():
    """For a loss of 0 or 1 the binomial tail is the exact p-value; a bound must not be under it."""
    from scipy.stats import binom

    means = np.arange(0, 60) / 500
    exact = binom.cdf(np.arange(0, 60), 500, 0.1)
    found = hoeffding_bentkus_p(means, 500, 0.1, lowest=0.0)
    assert (found >= exact).all()
    assert found[30] < 0.05
    assert found[-1] == 1.0


def test_bounds_and_losses_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="under the largest loss 1, got 1"):
        bet_mean_at_most(np.zeros(5), 1.0, 0.05)
    with pytest.raises(ValueError, match="numbers of at most 1, got nan"):
        bet_mean_at_most(np.array([0.0, np.nan]), 0.1, 0.05)
