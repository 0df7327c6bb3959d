import numpy as np
import pytest

from oracle.report import wilson
from oracle.resampled import estimate, resampled_means, with_unseen


def test_resampled_means_are_those_of_the_samples_drawn():
    values = np.random.default_rng(0).random((40, 3))
    found = resampled_means(values, np.random.default_rng(1), resamples=5)
    again = np.random.default_rng(1)
    by_hand = [values[again.integers(40, size=40)].mean(axis=0) for _ in range(5)]
    np.testing.assert_allclose(found, by_hand)


def test_intervals_of_a_mean_cover_it_as_often_as_they_say():
    rng, covered = np.random.default_rng(2), 0
    for _ in range(150):
        values = (rng.random((80, 1)) < 0.7).astype(float)
        found = estimate(values.mean(), resampled_means(values, rng, resamples=200)[:, 0], 80)
        covered += found.low <= 0.7 <= found.high
    assert 0.90 <= covered / 150 <= 0.99


@pytest.mark.parametrize(("mean", "n"), [(0.0, 12), (1.0, 30)])
def test_an_interval_is_wilsons_where_a_bootstrap_has_seen_nothing_vary(mean, n):
    found, other = estimate(mean, np.full(50, mean), n), wilson(mean, n)
    assert (found.low, found.high) == pytest.approx((other.low, other.high))


def test_an_interval_holds_its_own_value_and_stays_in_bounds():
    found = estimate(0.9, np.array([0.1, 0.2, 0.3]), 5)
    assert found.low <= 0.9 <= found.high
    low, high = estimate(0.0, np.zeros(9), 3, bounds=(-1.0, 1.0))[1:]
    assert -1 <= low < 0 < high <= 1


def test_unseen_steps_leave_means_as_they_are_and_fade_with_the_number_of_samples():
    drawn = np.full((20_000, 4), 0.5)
    found = {n: with_unseen(drawn, n, np.random.default_rng(3)) for n in (20, 2000)}
    np.testing.assert_array_equal(found[20][:, 0], 0.5)
    np.testing.assert_allclose(found[20].mean(axis=0), 0.5, atol=0.002)
    # one step up and one down in all, Poisson: a variance of 2 from the first rung to the last
    assert found[20][:, -1].std() * 20 == pytest.approx(np.sqrt(2), rel=0.03)
    assert found[2000][:, -1].std() < 0.001
    assert with_unseen(drawn[:, :1], 20, np.random.default_rng(0)).shape == (20_000, 1)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="needs samples"):
        resampled_means(np.zeros((0, 2)), np.random.default_rng(0))
