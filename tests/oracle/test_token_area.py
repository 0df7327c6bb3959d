import numpy as np
import pytest

from oracle.token_area import area_between, area_weights, interpolation

LADDER = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


def test_the_area_is_the_integral_over_log_tokens():
    means = np.array([0.2, 0.5, 0.55, 0.8, 0.7])
    by_hand = np.trapezoid(means, np.log(LADDER)) / np.log(144)
    assert means @ area_weights(LADDER) == pytest.approx(by_hand)


def test_two_rungs_count_alike_and_a_flat_curve_is_its_own_area():
    assert area_weights(np.array([64.0, 576.0])).tolist() == pytest.approx([0.5, 0.5])
    assert np.full(5, 0.37) @ area_weights(LADDER) == pytest.approx(0.37)


def test_a_curve_that_rises_with_log_tokens_has_the_area_of_a_triangle():
    assert np.log(LADDER) / np.log(144) @ area_weights(LADDER) == pytest.approx(0.5)


def test_the_unit_of_tokens_does_not_matter():
    np.testing.assert_allclose(area_weights(LADDER), area_weights(5 * LADDER))


def test_order_and_doubled_rungs_do_not_matter():
    shuffled = [3, 0, 4, 2, 1]
    np.testing.assert_allclose(area_weights(LADDER[shuffled]), area_weights(LADDER)[shuffled])
    twice = area_weights(np.array([1.0, 9.0, 9.0, 81.0]))
    assert twice[1] + twice[2] == pytest.approx(0.5)
    assert area_weights(np.array([5.0, 5.0])).tolist() == [0.5, 0.5]


def test_reading_off_is_straight_over_log_tokens_and_flat_beyond():
    means, at = np.array([0.1, 0.4, 0.5, 0.6, 0.9]), np.array([0.5, 2.0, 18.0, 500.0])
    by_hand = np.interp(np.log(at), np.log(LADDER), means)
    np.testing.assert_allclose(means @ interpolation(LADDER, at), by_hand)


@pytest.mark.parametrize(("low", "high"), [(1, 144), (2, 100), (4, 36), (10, 12)])
def test_a_part_of_the_area_is_that_of_a_fine_grid(low, high):
    means = np.array([0.1, 0.4, 0.5, 0.6, 0.9])
    at = np.geomspace(low, high, 20_001)
    fine = np.interp(np.log(at), np.log(LADDER), means).mean()
    assert means @ area_between(LADDER, low, high) == pytest.approx(fine, abs=1e-4)


def test_ranges_beyond_the_rungs_and_rungs_without_tokens_are_refused():
    for low, high in ((0.5, 9.0), (9.0, 300.0), (9.0, 9.0)):
        with pytest.raises(ValueError, match="an area needs a range within 1 to 144 tokens"):
            area_between(LADDER, low, high)
    with pytest.raises(ValueError, match="tokens above 0"):
        area_weights(np.array([0.0, 4.0]))
