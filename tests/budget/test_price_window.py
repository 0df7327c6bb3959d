"""The window's price against the price that is solved on all of a table at once."""

import numpy as np
import pytest
from scene_choices import load

from budget.choice_path import worthiest
from budget.price_window import PriceWindow
from policies.allocation import choose_rungs, solve_price

COSTS = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


def window_of(scores, *, size=200, floor=0, ceiling=4, batch=7):
    window = PriceWindow(COSTS, floor=floor, ceiling=ceiling, size=size)
    for start in range(0, len(scores), batch):
        window.add(scores[start : start + batch])
    return window


@pytest.mark.parametrize("mean", [1.5, 3.0, 12.0, 36.0, 80.0])
def test_it_is_the_price_that_is_solved_on_the_last_requests(mean):
    scores = load().expected[:500]
    window, last = window_of(scores), scores[-200:]
    assert (window.scores == last).all()
    price = window.price_for(mean, generous=False)
    spent = COSTS[choose_rungs(last, COSTS, price)].mean()
    assert spent == COSTS[choose_rungs(last, COSTS, solve_price(last, COSTS, mean))].mean()
    assert mean * 0.95 < spent <= mean


def test_between_floor_and_ceiling_only_those_rungs_count():
    scores = load().expected[:300]
    window = window_of(scores, size=300, floor=1, ceiling=3)
    price = window.price_for(15.0, generous=False)
    rungs = worthiest(scores, COSTS / 144, price, floor=1, ceiling=3)
    assert set(rungs.tolist()) == {1, 2, 3}
    assert 14.0 < COSTS[rungs].mean() <= 15.0


def test_means_that_cannot_be_missed_have_the_price_that_says_so():
    scores = load().expected[:100]
    window = window_of(scores)
    assert window.price_for(144.0, generous=False) == 0.0
    dear = window.price_for(0.5, generous=False)
    assert set(worthiest(scores, COSTS / 144, dear).tolist()) == {0}
    assert PriceWindow(COSTS, floor=0, ceiling=4, size=8).price_for(9.0, generous=True) == 0.0


def test_of_requests_that_change_together_both_sides_can_be_had():
    scores = np.tile([0.1, 0.2, 0.3, 0.5, 0.9], (50, 1))
    window = window_of(scores)
    rungs = [
        worthiest(scores[:1], COSTS / 144, window.price_for(100.0, generous=side))[0]
        for side in (False, True)
    ]
    assert rungs == [3, 4]


def test_more_requests_than_it_keeps_at_once_leave_the_last():
    scores = load().expected[:30]
    assert (window_of(scores, size=10, batch=30).scores == scores[-10:]).all()


def test_one_open_rung_alone_never_changes():
    window = window_of(load().expected[:20], floor=2, ceiling=2)
    assert window.price_for(9.0, generous=True) == 0.0
