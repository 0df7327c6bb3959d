"""What policies close of the gap: all of it, none of it, and what is said of either."""

from dataclasses import replace

import numpy as np
import pytest
from gap_world import curves_of, drawn_scores, other_samples, policy_of, run_of

from budget.errors import DataError
from budget.stable import stable_scores
from experiments.report.assessment import assess, bounded, chosen_rungs, named_prices
from experiments.report.expectations import measure_expectation
from experiments.report.policy import policy_section
from experiments.report.policy_groups import group_gaps
from policies.evaluation import measured
from policies.gaps import GapMeter
from policies.rules import PER_GROUP

CURVES = curves_of(drawn_scores(300), groups=["a", "b", "c"] * 100)


def assessed_of(run, resamples=20):
    return assess(run, np.random.default_rng(0), resamples=resamples)


def section_of(run):
    return policy_section(run, assessed_of(run), np.random.default_rng(0), resamples=50)


def told(section):
    return " ".join(section.words)


def test_who_knows_the_stable_scores_closes_all_of_the_gap():
    oracle = policy_of(stable_scores(CURVES.scores))
    found = assessed_of(run_of(CURVES, oracle)).table.get("mine", "gap_closed_stable")
    assert found.value == pytest.approx(1.0)
    assert found.low == pytest.approx(1.0)


def test_who_knows_nothing_closes_none_and_it_is_said():
    blind = policy_of(np.tile(CURVES.scores.mean(axis=0), (300, 1)))
    run = run_of(CURVES, blind)
    value = assessed_of(run).table.get("mine", "gap_closed_stable").value
    assert value <= 0
    assert "closes" in section_of(run).words[0]
    noise = np.random.default_rng(1).random(CURVES.scores.shape)
    words = section_of(run_of(CURVES, policy_of(noise))).words[0]
    assert "cannot be told from choosing at random" in words or "worse than choosing" in words


def test_the_gap_is_that_of_the_policies_own_evaluation():
    expected = np.clip(CURVES.scores * 0.4 + np.random.default_rng(2).random((300, 3)), 0, 1)
    found = assessed_of(run_of(CURVES, policy_of(expected))).table.get("mine", "gap_closed_stable")
    data = measured(CURVES.scores, CURVES.num_visual_tokens)
    meter = GapMeter(data.scores, data.tokens, chosen_by=data.rung_tokens)
    assert found.value == pytest.approx(meter.measure(expected).stable, abs=1e-9)


def test_the_gap_closed_at_a_price_is_measured_at_equal_tokens():
    oracle = policy_of(stable_scores(CURVES.scores), price=0.0)
    table = assessed_of(run_of(CURVES, oracle)).table
    assert table.get("mine", "usual_gap_closed_stable").value == pytest.approx(1.0)
    assert table.get("mine", "usual_over_random_mix").low > 0


def test_one_scale_per_group_is_a_baseline_only_where_its_groups_are_known():
    policy = policy_of(CURVES.scores)
    fit = other_samples(CURVES)
    with_fit = run_of(CURVES, policy, fit=fit)
    assert PER_GROUP in assessed_of(with_fit).paths
    assert "One fixed scale per group" in told(section_of(with_fit))
    strange = replace(fit, groups=np.full(300, "elsewhere"))
    without = run_of(CURVES, policy, fit=strange)
    assert PER_GROUP not in assessed_of(without).paths
    assert "`--fit-curves`" in told(section_of(without))


def test_groups_are_judged_alone_and_the_few_are_not_ranked():
    groups = ["many"] * 280 + ["few"] * 20
    curves = replace(CURVES, groups=np.array(groups))
    policy = policy_of(stable_scores(curves.scores))
    run = run_of(curves, policy)
    found = group_gaps(run, policy, np.random.default_rng(0), resamples=20)
    assert [(each.group, each.n) for each in found] == [("few", 20), ("many", 280)]
    assert [each.closed.value for each in found] == pytest.approx([1.0, 1.0])
    section = section_of(run)
    assert "Within" not in told(section)  # with one group of size there is nothing to rank
    assert len(section.tables[2].rows) == 2
    assert [picture.name for picture in section.pictures] == ["gap_closed_by_group"]


def test_promises_are_held_against_what_comes_of_them():
    rng = np.random.default_rng(0)
    proud = policy_of(np.clip(CURVES.scores.mean(axis=0) + 0.3, 0, 1) * np.ones((300, 1)))
    found = measure_expectation(CURVES, proud, rng, 100)
    at = CURVES.scores[np.arange(300), chosen_rungs(proud)].mean()
    assert found.over.value == pytest.approx(found.expected.value - at)
    assert found.over.low > 0
    assert "too much" in told(section_of(run_of(CURVES, proud)))
    honest = policy_of(CURVES.scores)
    assert measure_expectation(CURVES, honest, rng, 20).error.value == 0.0


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        (True, "if policy 'mine' was fitted on those, it has seen none of these"),
        (False, "its figures are too good"),
        (None, "It is not known whether policy 'mine' was fitted"),
    ],
)
def test_what_a_policy_was_fitted_on_is_said(held_out, words):
    run = run_of(CURVES, policy_of(CURVES.scores, held_out=held_out))
    assert words in told(section_of(run))


def test_without_policies_it_is_said_how_to_give_one():
    section = section_of(run_of(CURVES))
    assert "--policy" in section.words[0]
    assert not section.tables


def test_its_own_price_comes_first_and_may_have_no_name():
    policy = policy_of(CURVES.scores)
    assert named_prices(policy) == {"usual": 0.1, "none": 0.0}
    assert list(named_prices(replace(policy, price=0.0))) == ["none", "usual"]
    assert next(iter(named_prices(replace(policy, price=0.25)))) == "price 0.25"


def test_names_and_shapes_that_cannot_be_are_refused():
    twice = policy_of(CURVES.scores), policy_of(CURVES.scores)
    with pytest.raises(DataError, match="two rules are called 'mine'"):
        assessed_of(run_of(CURVES, *twice))
    with pytest.raises(DataError, match=r"expects scores of shape \(7, 3\)"):
        assessed_of(run_of(CURVES, policy_of(CURVES.scores[:7])))
    fit = curves_of(drawn_scores(20, 2), scales=(1, 4))
    with pytest.raises(DataError, match=r"has scales \(1, 4, 16\), but its fit has \(1, 4\)"):
        assessed_of(run_of(CURVES, fit=fit))


def test_very_many_samples_are_resampled_less_often():
    assert bounded(1000, 300 * 3) == 1000
    assert bounded(1000, 10**9) == 100
    assert bounded(10, 10**9) == 10
