"""What a decision costs lowers what it closes, and where nothing is decided nothing is paid."""

import numpy as np
import pytest

from policies.evaluation import measured
from policies.flops_gap import flops_gap
from policies.gaps import GapMeter
from policies.hull import Frontier

TOKENS = np.array([1.0, 4.0, 16.0])
FLOPS = np.array([100.0, 130.0, 250.0])


def table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    need = rng.integers(0, 3, n)
    scores = (np.arange(3) >= need[:, None]).astype(float)
    believed = np.clip(scores + rng.normal(0, 0.3, scores.shape), 0, 1)
    return measured(scores, TOKENS, flops=np.tile(FLOPS, (n, 1))), believed


def gap(cost, data, believed):
    rng = np.random.default_rng(0)
    return flops_gap(data, believed, TOKENS, rng, decision_flops=cost, resamples=20)


def test_a_decision_that_costs_nothing_changes_nothing():
    data, believed = table()
    free = gap(0.0, data, believed)
    meter = GapMeter(data.scores, data.flops, chosen_by=TOKENS)
    assert free.gap == meter.measure(believed)
    assert gap(1e-9, data, believed).gap.stable == pytest.approx(free.gap.stable, abs=1e-6)


def test_the_dearer_a_decision_the_less_is_closed():
    data, believed = table()
    closed = [gap(cost, data, believed).gap.stable for cost in (0.0, 5.0, 20.0, 80.0)]
    assert closed == sorted(closed, reverse=True)
    assert closed[0] > closed[1] > 0 > closed[-1]


def test_intervals_hold_the_value():
    found = gap(5.0, *table())
    assert found.stable.low < found.gap.stable < found.stable.high


def test_unknown_flops_have_no_gap():
    data, believed = table()
    unknown = measured(data.scores, TOKENS)
    assert flops_gap(unknown, believed, TOKENS, np.random.default_rng(0)) is None


def test_below_its_first_point_a_rule_is_asked_now_and_then():
    own = Frontier(np.array([2.0, 4.0]), np.array([0.6, 0.8]), np.array([1.0, 0.0]))
    hull = Frontier(np.array([1.0, 9.0]), np.array([0.5, 0.9]), np.full(2, np.nan))
    later = own.after(1.0, hull)
    assert later.costs.tolist() == [1.0, 3.0, 5.0]
    assert later.scores.tolist() == [0.5, 0.6, 0.8]
    assert later.at(2.0) == pytest.approx(0.55)  # every other sample is decided about
