import numpy as np
import pytest

from budget.errors import DataError, PolicyError
from policies.allocation import choose_rungs
from policies.rung_costs import rising, rung_costs


class Curves:
    scales = (1, 4, 16)
    flops = np.array([[1.0, 2.0, 8.0], [3.0, 4.0, 10.0]])
    num_visual_tokens = np.tile(scales, (2, 1))


def test_tokens_and_flops():
    tokens, flops = (rung_costs(cost, Curves, model=None) for cost in ("tokens", "flops"))
    assert (tokens.costs.tolist(), tokens.unit) == ([1.0, 4.0, 16.0], "tokens")
    assert (flops.costs.tolist(), flops.unit) == ([2.0, 3.0, 9.0], "flops")


def test_milliseconds_are_those_of_a_whole_sample(calibration):
    path = calibration((2.0, 3.0, 8.0))
    found = rung_costs(path, Curves, model="toy")
    np.testing.assert_allclose(found.costs, [4.0, 5.0, 10.0], rtol=1e-5)
    assert found.unit == "ms"


def test_a_steep_last_rung_changes_choices(calibration):
    """At one price, a last rung that takes ten times as long is left to those who gain much."""
    rng = np.random.default_rng(0)
    expected = np.cumsum(rng.uniform(0, 0.3, size=(500, 3)), axis=1)
    even = rung_costs(calibration((8.0, 8.5, 9.0)), Curves, model=None)
    steep = rung_costs(calibration((8.0, 8.5, 90.0)), Curves, model=None)
    shares = [
        (choose_rungs(expected, found.costs, price=0.2) == 2).mean() for found in (even, steep)
    ]
    assert shares[0] > 0.8
    assert shares[1] < 0.6


def test_noise_in_the_order_is_taken_out():
    np.testing.assert_allclose(rising([5.0, 4.0, 4.5, 9.0]), [4.5, 4.5, 4.5, 9.0], rtol=1e-4)
    assert (np.diff(rising([5.0, 5.0, 5.0])) > 0).all()
    assert rising([1.0, 2.0, 3.0]).round(4).tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(DataError, match="must be above 0, got -1"):
        rising([-1.0, 2.0])


def test_a_calibration_of_something_else_is_refused(calibration):
    path = calibration((2.0, 3.0, 8.0))
    with pytest.raises(PolicyError, match="was measured on 'toy', the curves on 'm3'"):
        rung_costs(path, Curves, model="m3")
    other = calibration((2.0, 3.0), scales=(1, 16))
    with pytest.raises(PolicyError, match=r"has scales \(1, 16\), the curves have \(1, 4, 16\)"):
        rung_costs(other, Curves, model="toy")


@pytest.mark.parametrize(
    ("cost", "message"),
    [("euros", "cost must be 'tokens', 'flops' or a calibration"), ("no.json", "no calibration")],
)
def test_what_is_no_cost_is_refused(cost, message):
    with pytest.raises(DataError, match=message):
        rung_costs(cost, Curves, model=None)
