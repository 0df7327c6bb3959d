from itertools import pairwise

import numpy as np
import pytest

from oracle.resampled import resampled_means, with_unseen
from oracle.saturation import saturation, saturation_rungs


@pytest.mark.parametrize(
    ("means", "tolerance", "rung"),
    [
        ([0.5, 0.7, 0.9], 0.01, 2),  # still rising
        ([0.5, 0.895, 0.9], 0.01, 1),
        ([0.5, 0.89, 0.9], 0.01, 1),  # on the line
        ([0.5, 0.889, 0.9], 0.01, 2),
        ([0.9, 0.5, 0.3], 0.01, 0),  # fewer tokens are better
        ([0.0, 0.0, 0.0], 0.01, 0),
        ([0.6, 0.7, 0.65], 0.0, 1),
        ([0.6, 0.7, 0.69], 0.1, 0),
        ([0.893, 0.88, 0.9], 0.01, 0),  # a dip behind it does not matter
    ],
)
def test_the_cheapest_rung_within_the_tolerance_of_the_best(means, tolerance, rung):
    assert saturation_rungs(np.array(means), tolerance) == rung


def test_many_curves_at_once_are_those_one_by_one():
    means = np.random.default_rng(0).random((50, 6))
    together = saturation_rungs(means, 0.1)
    one_by_one = [
        next(i for i, mean in enumerate(row) if mean >= max(row) - 0.1) for row in means.tolist()
    ]
    assert together.tolist() == one_by_one


def test_more_tolerance_never_needs_a_larger_scale():
    means = np.random.default_rng(1).random((100, 5))
    rungs = [saturation_rungs(means, each) for each in (0.0, 0.05, 0.2, 1.0)]
    assert all((few <= many).all() for many, few in pairwise(rungs))
    assert not rungs[-1].any()


def test_the_interval_is_over_rungs_and_shares_are_counted():
    resampled = np.array([[0.5, 0.9, 0.9]] * 90 + [[0.5, 0.8, 0.9]] * 10)
    found = saturation(np.array([0.5, 0.9, 0.9]), resampled)
    assert (found.rung, found.low, found.high) == (1, 1, 2)
    assert found.shares.tolist() == [0.0, 0.9, 0.1]


def test_the_interval_holds_the_point_itself():
    found = saturation(np.array([0.5, 0.9]), np.array([[0.9, 0.9]] * 50))
    assert (found.rung, found.low, found.high) == (1, 0, 1)


@pytest.mark.parametrize("n", [30, 300])
def test_the_interval_covers_the_true_point_also_where_gains_are_rare(n):
    # 3 % of the samples are solved only by the last rung: of 30, often none is.
    rng, chances, covered = np.random.default_rng(4), np.array([0.5, 0.8, 0.83]), 0
    for _ in range(80):
        scores = (rng.random((n, 1)) < chances).astype(float)
        drawn = with_unseen(resampled_means(scores, rng, resamples=200), n, rng)
        found = saturation(scores.mean(axis=0), drawn)
        covered += found.low <= 2 <= found.high
    assert covered / 80 >= 0.93


@pytest.mark.parametrize("tolerance", [-0.1, float("nan")])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(ValueError, match="tolerance must be at least 0"):
        saturation_rungs(np.zeros(3), tolerance)
