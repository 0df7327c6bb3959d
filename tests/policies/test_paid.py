import numpy as np
import pytest

from policies.cascade import best_start, cascade
from policies.gaps import GapMeter
from policies.paid import Paid, pay
from policies.path_gaps import path_figures

COSTS = np.array([1.0, 4.0, 16.0])
SCORES = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
VISITED = [np.array([[True, False, True], [False, True, False]])]
PRICE = np.array([0.5])


@pytest.mark.parametrize(("kept_cache", "costs"), [(False, [17, 4]), (True, [16, 4])])
def test_all_tries_are_counted_and_the_last_answer_stands(kept_cache, costs):
    paid = pay(VISITED, PRICE, COSTS, SCORES, kept_cache=kept_cache)
    assert paid.costs.tolist() == [costs]
    assert paid.scores.tolist() == [[1, 1]]


def test_text_is_read_again_with_every_answer_but_the_first():
    paid = pay(VISITED, PRICE, COSTS, SCORES, kept_cache=True, again=np.array([0.5, 9.0]))
    assert paid.costs.tolist() == [[16.5, 4]]
    anew = pay(VISITED, PRICE, COSTS, SCORES, kept_cache=False, again=0.5)
    assert anew.costs.tolist() == [[17, 4]]  # all is paid anyway


def test_costs_may_differ_by_sample():
    table = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    assert pay(VISITED, PRICE, table, SCORES, kept_cache=False).costs.tolist() == [[4, 20]]


def test_a_frontier_counts_samples_by_weight_and_leaves_out_what_costs_less():
    costs = np.array([[1.0, 1.0], [4.0, 8.0], [2.0, 4.0], [16.0, 8.0]])
    scores = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    paid = Paid(np.array([3.0, 2.0, 1.0, 0.0]), costs, scores)
    once = paid.frontier()
    assert once.costs.tolist() == [1, 6, 12]
    assert once.scores.tolist() == [0, 0.5, 0.5]
    assert once.prices.tolist() == [3, 2, 0]
    assert paid.frontier(np.array([2.0, 0.0])).costs.tolist() == [1, 4, 16]


def test_single_answers_are_measured_as_gaps_measures_them():
    rng = np.random.default_rng(0)
    scores = (rng.random((300, 3)) < [0.4, 0.6, 0.8]).astype(float)
    expected = scores * 0.5 + rng.random(scores.shape)
    meter = GapMeter(scores, COSTS)
    sweep = meter.sweep(expected)
    frontier = sweep.frontier()
    prices = frontier.prices
    picked = [(expected - p * COSTS / 16).argmax(axis=1) for p in prices]
    visited = [np.arange(3) == rungs[:, None] for rungs in picked]
    paid = pay(visited, prices, COSTS, scores, kept_cache=False)
    found = path_figures(
        {"swept": sweep, "paid": paid}, scores, COSTS, np.array([2.0, 8.0]), rng, resamples=20
    )
    wanted = meter.measure(expected)
    for each in found.values():
        assert each.stable == pytest.approx(wanted.stable)
        assert each.any_correct == pytest.approx(wanted.any_correct)
        assert each.stable_interval.low < wanted.stable < each.stable_interval.high
    assert found["paid"].at_budgets == pytest.approx(found["swept"].at_budgets)


def test_half_a_point_is_read_off_the_frontier():
    scores = np.ones((2, 3))
    scores[0, 0] = 0.0
    paid = Paid(np.array([1.0, 0.0]), np.array([[1.0, 1.0], [4.0, 1.0]]), scores[:, :2].T.copy())
    rng = np.random.default_rng(0)
    found = path_figures({"r": paid}, scores, COSTS, np.array([2.0]), rng, resamples=2)["r"]
    assert 1 / 16 <= found.half_point_share <= 2.5 / 16


class TestCascade:
    sure = np.array([[-3.0, -0.1, -0.1], [-0.1, -0.1, -0.1]])

    def test_it_climbs_while_unsure(self):
        paid = cascade(self.sure, SCORES, COSTS, 0, kept_cache=False)
        assert paid.costs[0].tolist() == [1, 1]
        assert [5, 1] in paid.costs.tolist()
        assert paid.costs[-1].tolist() == [21, 21]
        assert paid.scores[-1].tolist() == [1, 0]

    def test_it_begins_where_it_is_told(self):
        paid = cascade(self.sure, SCORES, COSTS, 1, kept_cache=True)
        assert paid.costs[:2].tolist() == [[1, 1], [4, 4]]
        assert paid.costs[-1].tolist() == [16, 16]

    def test_from_the_last_rung_there_is_nothing_to_climb(self):
        assert cascade(self.sure, SCORES, COSTS, 2, kept_cache=False).costs.tolist() == [
            [1, 1],
            [16, 16],
        ]

    def test_the_best_start_is_where_confidence_tells_most(self):
        rng = np.random.default_rng(0)
        scores = np.column_stack([np.zeros(400), rng.random(400) < 0.6, np.ones(400)])
        sure = np.column_stack([rng.random(400), scores[:, 1], np.ones(400)]) - 1.5
        assert best_start(sure, scores.astype(float), COSTS, kept_cache=False) == 1
