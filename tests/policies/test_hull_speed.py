"""The hull and the areas, which leave points out in bulk, against the plain way."""

import numpy as np
import pytest

from policies.hull import Frontier, fixed_hull, log_area


def corners_one_by_one(costs, scores):
    """Andrew's monotone chain, one point at a time, up to the best score."""
    kept = []
    for i in range(int(np.argmax(scores)) + 1):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            rise = (scores[b] - scores[a]) * (costs[i] - costs[a])
            if rise > (scores[i] - scores[a]) * (costs[b] - costs[a]):
                break
            kept.pop()
        kept.append(i)
    return kept


@pytest.mark.parametrize("kind", ["noise", "concave", "convex", "steps", "walk"])
@pytest.mark.parametrize("seed", range(3))
def test_the_hull_is_that_of_one_point_at_a_time(kind, seed):
    rng = np.random.default_rng(seed)
    costs = np.cumsum(rng.random(300) + 0.01)
    scores = {
        "noise": rng.random(300),
        "concave": np.sqrt(costs),
        "convex": costs**2,
        "steps": np.floor(costs / 20),
        "walk": np.cumsum(rng.normal(0.05, 1, 300)),
    }[kind]
    hull = fixed_hull(costs, scores)
    assert hull.costs.tolist() == costs[corners_one_by_one(costs, scores)].tolist()


def test_points_that_stand_still_add_no_area():
    plain = Frontier(np.array([1.0, 2.0, 8.0]), np.array([0.1, 0.4, 0.6]), np.zeros(3))
    doubled = Frontier(
        np.array([1.0, 1.0, 2.0, 2.0, 2.0, 8.0, 8.0]),
        np.array([0.1, 0.1, 0.4, 0.4, 0.4, 0.6, 0.6]),
        np.zeros(7),
    )
    for low, high in ((1.0, 8.0), (1.5, 6.0), (0.5, 20.0), (2.0, 2.0)):
        assert log_area(doubled, low, high) == pytest.approx(log_area(plain, low, high), abs=1e-12)
    assert doubled.envelope().costs.tolist() == plain.envelope().costs.tolist()
