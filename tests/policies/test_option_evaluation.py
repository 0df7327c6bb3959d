import math

import numpy as np
import pytest

from budget.stable import stable_scores
from policies.allocation import Sweep
from policies.evaluation import Evaluator, evaluate, gap_areas, measured
from policies.option_evaluation import (
    OptionEvaluator,
    evaluate_options,
    frontier_figures,
    option_gap_areas,
)
from policies.option_table import OptionTable, mean_costs

LADDER = np.array([1.0, 4.0, 9.0, 36.0, 144.0])


def table_of(scores, costs, groups=None):
    names = tuple(f"s{i}" for i in range(len(scores)))
    return OptionTable(
        names,
        names,
        ("all",) * len(scores) if groups is None else tuple(groups),
        tuple(f"m{i}" for i in range(scores.shape[1])),
        np.asarray(scores, dtype=float),
        np.asarray(costs, dtype=float),
        names,
    )


@pytest.fixture
def ladder():
    """Scores of a ladder [400, 5] and what a policy expects of them."""
    rng = np.random.default_rng(0)
    needed = rng.integers(0, 6, size=400)
    scores = (np.arange(5) >= needed[:, None]).astype(float)
    scores[rng.random((400, 5)) < 0.05] = 1.0
    return scores, scores + rng.normal(0, 0.4, scores.shape)


def test_a_ladder_as_a_table_gives_the_same_hull_oracles_and_figures_exactly(ladder):
    scores, expected = ladder
    plain = measured(scores, LADDER)
    old = Evaluator(plain, np.random.default_rng(0), resamples=20)
    table = table_of(scores, np.tile(LADDER, (400, 1)))
    new = OptionEvaluator(table, mean_costs(table), np.random.default_rng(0), resamples=20)
    for one, other in (
        (old.hull, new.hull),
        (old.stable, new.stable),
        (old.any_correct, new.any_correct),
        (old.frontier(expected), new.frontier(expected)),
    ):
        np.testing.assert_array_equal(one.costs, other.costs)
        np.testing.assert_array_equal(one.scores, other.scores)
    rules = {"policy": expected}
    assert gap_areas(plain, rules, rng=np.random.default_rng(1), resamples=10) == option_gap_areas(
        table, mean_costs(table), rules, rng=np.random.default_rng(1), resamples=10
    )


def test_rows_agree_with_those_of_a_ladder(ladder):
    scores, expected = ladder
    prices = {"no-loss": 0.05}
    group = np.tile(scores.mean(axis=0), (400, 1))
    old = evaluate(
        measured(scores, LADDER),
        expected=expected,
        prices=prices,
        group_expected=group,
        rng=np.random.default_rng(0),
        resamples=20,
    )
    table = table_of(scores, np.tile(LADDER, (400, 1)))
    evaluator = OptionEvaluator(table, LADDER, np.random.default_rng(0), resamples=20)
    new = evaluate_options(evaluator, expected=expected, prices=prices, group_expected=group)
    assert len(old) == len(new)
    for one, other in zip(old, new, strict=True):
        assert (one.accuracy, one.mean_tokens) == pytest.approx((other.score, other.mean_cost))
        assert (one.gap_closed_stable, one.gap_closed_any) == pytest.approx(
            (other.gap_closed_stable, other.gap_closed_any), nan_ok=True
        )


def test_real_costs_are_counted_and_expected_ones_chosen_by():
    scores = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    costs = np.array([[1.0, 2.0], [9.0, 3.0], [1.0, 30.0], [1.0, 5.0]])
    table = table_of(scores, costs)
    evaluator = OptionEvaluator(table, np.array([3.0, 10.0]), np.random.default_rng(0))
    rows = evaluate_options(
        evaluator,
        expected=scores,
        prices={"no-loss": 0.0},
        group_expected=np.tile(scores.mean(axis=0), (4, 1)),
    )
    by_name = {row.name: row for row in rows}
    assert by_name["always m0"].mean_cost == 3.0
    assert by_name["always m1"].mean_cost == 10.0
    # Of two right answers the policy takes the one that costs less on average, 9 and not 3.
    assert by_name["policy, no-loss"].mean_cost == (2 + 9 + 1 + 1) / 4
    assert by_name["oracle, any correct"].mean_cost == (2 + 3 + 1 + 1) / 4
    assert by_name["oracle, any correct"].score == by_name["policy, no-loss"].score == 0.75


def test_figures_of_two_options_are_those_of_the_papers():
    """Half of the samples need the strong option; whoever knows which gains all of that at half."""
    needs = np.arange(100) < 50
    scores = np.column_stack([~needs, np.ones(100)]).astype(float)
    table = table_of(scores, np.tile([1.0, 11.0], (100, 1)))
    evaluator = OptionEvaluator(table, np.array([1.0, 11.0]), np.random.default_rng(0))
    knows = frontier_figures(evaluator, scores)
    # Score 0.5 at cost 1, 1.0 at cost 6 and flat to 11: the mean is 0.875.
    assert knows.apgr == pytest.approx(0.75)
    assert knows.aiq == knows.nauc == pytest.approx(0.875)
    assert knows.qnc == pytest.approx(6 / 11)
    assert knows.recovery == pytest.approx(1.0)
    assert knows.gap_closed_any_at == pytest.approx([1.0] * 5)
    blind = frontier_figures(evaluator, np.tile([0.5, 1.0], (100, 1)))
    assert blind.apgr == pytest.approx(0.5)
    assert blind.qnc == pytest.approx(1.0)
    assert blind.gap_closed_any_at == pytest.approx([0.0] * 5)


def test_options_that_all_score_the_same_have_no_gaps_but_figures():
    table = table_of(np.full((30, 3), 0.5), np.tile([1.0, 2.0, 3.0], (30, 1)))
    costs = mean_costs(table)
    evaluator = OptionEvaluator(table, costs, np.random.default_rng(0), resamples=10)
    rows = evaluate_options(
        evaluator,
        expected=table.scores,
        prices={"no-loss": 0.0},
        group_expected=table.scores,
    )
    assert {row.score for row in rows} == {0.5}
    assert [row.mean_cost for row in rows if row.name.startswith("policy")] == [1.0]
    figures = frontier_figures(evaluator, table.scores)
    assert math.isnan(figures.apgr)
    assert figures.qnc == pytest.approx(1.0)
    rules = {"policy": table.scores}
    found = option_gap_areas(table, costs, rules, rng=np.random.default_rng(0), resamples=5)
    assert math.isnan(found["policy"].gap.any_correct)


def test_a_random_mix_spends_what_it_is_told_and_lies_on_the_hull():
    rng = np.random.default_rng(0)
    scores = (rng.random((600, 3)) < [0.3, 0.5, 0.9]).astype(float)
    costs = np.array([1.0, 3.0, 10.0]) * rng.lognormal(0, 0.2, (600, 3))
    table = table_of(scores, costs).cheapest_first()
    evaluator = OptionEvaluator(table, mean_costs(table), rng, resamples=5)
    drawn = [evaluator.row("mix", evaluator.mix(5.0)) for _ in range(60)]
    assert np.mean([row.mean_cost for row in drawn]) == pytest.approx(5.0, rel=0.02)
    score = np.mean([row.score for row in drawn])
    assert score == pytest.approx(evaluator.hull.at(5.0), abs=0.01)
    assert evaluator.row("cheapest", evaluator.mix(0.0)).mean_cost == pytest.approx(
        costs[:, 0].mean()
    )


def test_the_stable_oracle_of_a_table_pays_what_its_choices_really_cost():
    rng = np.random.default_rng(1)
    scores, costs = rng.integers(0, 2, (80, 4)).astype(float), rng.random((80, 4)) + 0.1
    table = table_of(scores, costs).cheapest_first()
    evaluator = OptionEvaluator(table, mean_costs(table), rng, resamples=5)
    believed = stable_scores(table.scores)
    expected = Sweep(believed, table.scores, table.costs).frontier()
    np.testing.assert_array_equal(evaluator.stable.costs, expected.costs)
    assert evaluator.any_correct.scores[-1] >= evaluator.stable.scores[-1]
