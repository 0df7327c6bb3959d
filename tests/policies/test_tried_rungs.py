import numpy as np
import pytest

from policies.tried_rungs import spending

COSTS = [1, 4, 16, 64]


def test_every_try_is_paid_in_full():
    rule = spending(COSTS)
    assert rule.spent((0, 1, 3)) * 64 == pytest.approx(69)
    assert rule.step((0, 1), 3) == 1.0


def test_with_a_kept_cache_the_last_try_is_what_all_cost():
    rule = spending(COSTS, kept_cache=True)
    assert rule.spent((0, 1, 3)) == pytest.approx(1.0)
    assert rule.step((0, 1), 2) * 64 == pytest.approx(12)


def test_text_that_is_read_again_is_paid_with_every_further_try():
    rule = spending(COSTS, kept_cache=True, again=2)
    assert rule.spent((0, 1, 3)) * 64 == pytest.approx(64 + 2 * 2)
    assert rule.step((), 2) * 64 == pytest.approx(16)
    assert spending(COSTS, again=2).spent((0, 1)) * 64 == pytest.approx(5)  # all is paid anyway
    assert spending(COSTS, kept_cache=True, again=2, cap=1.02).next_rungs((0, 1)) == [2]


@pytest.mark.parametrize("kept_cache", [False, True])
@pytest.mark.parametrize("max_tries", [1, 2, 3, 9])
@pytest.mark.parametrize("cap", [1.0, 1.07, 1.3, np.inf])
def test_no_way_up_is_longer_or_dearer_than_allowed(kept_cache, max_tries, cap):
    rule = spending(COSTS, kept_cache=kept_cache, max_tries=max_tries, cap=cap)
    ways = [()]
    for tried in ways:
        ways += [(*tried, rung) for rung in rule.next_rungs(tried)]
    assert all(len(way) <= max_tries for way in ways)
    assert max(rule.spent(way) for way in ways) <= cap + 1e-9
    assert {way[0] for way in ways if way} == {0, 1, 2, 3}
    assert set(rule.unfinished()) == {way for way in ways if rule.next_rungs(way)}


def test_what_may_follow_comes_before():
    order = spending(COSTS).unfinished()
    for place, tried in enumerate(order):
        followers = [(*tried, rung) for rung in spending(COSTS).next_rungs(tried)]
        assert all(order.index(each) < place for each in followers if each in order)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"costs": [4, 1]}, "costs must rise"),
        ({"costs": [0, 1]}, "costs must rise from above 0"),
        ({"costs": []}, "costs must rise"),
        ({"max_tries": 0}, "max_tries must be at least 1, got 0"),
        ({"cap": 0.9}, "cap must be at least 1, got 0.9"),
        ({"cap": np.nan}, "cap must be at least 1, got nan"),
        ({"again": -1.0}, "again must be finite and at least 0, got -1"),
    ],
)
def test_bad_numbers_are_refused(more, message):
    with pytest.raises(ValueError, match=message):
        spending(**{"costs": COSTS, **more})
