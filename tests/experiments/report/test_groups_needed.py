import numpy as np
import pytest
from made_runs import made_run, nested

from experiments.report.group_measures import MOST_PANELS, figure_parts, measure_groups
from experiments.report.groups_needed import groups_section


def two_kinds(n=1500):
    scores = np.vstack([nested(n, [0.9, 0.91, 0.912]), nested(n, [0.2, 0.5, 0.9], seed=1)])
    return made_run(scores, groups=["look"] * n + ["read"] * n)


def measured(run, resamples=100):
    rng = np.random.default_rng(0)
    return measure_groups(run.curves, rng, tolerance_points=1.0, resamples=resamples)


def section(run):
    return groups_section(run, np.random.default_rng(0), resamples=100)


def test_groups_come_by_need_and_differences_are_told():
    first, last = measured(two_kinds())
    assert (first.name, last.name) == ("read", "look")
    assert first.more
    assert last.less
    assert not first.less
    assert not last.more
    words = section(two_kinds()).words
    assert "'read' 16 tokens (16 to 16); 'look' 1 token" in words[0]
    assert "more is at stake in 'read'" in words[1]
    assert "less is at stake in 'look'" in words[1]


def test_against_others_is_what_is_lost_below_the_largest_scale():
    run = two_kinds(60)
    scores = run.curves.scores
    short = scores[:, 2] - (scores[:, 0] + 2 * scores[:, 1] + scores[:, 2]) / 4
    difference = short[60:].mean() - short[:60].mean()
    read = next(group for group in measured(run) if group.name == "read")
    assert read.against_others.value == pytest.approx(difference)
    assert read.against_others.low < difference < read.against_others.high


def test_forty_groups_that_are_alike_are_called_so():
    scores = np.random.default_rng(3).random((2000, 3)) < [0.4, 0.6, 0.7]
    run = made_run(scores, groups=[f"g{i % 40:02d}" for i in range(2000)])
    found = section(run)
    assert "no group can be told from the other samples" in found.words[1]
    assert "may be chance" in found.words[1]
    assert len(found.tables[0].rows) == 40


def test_many_groups_are_merged_in_the_figure_alone():
    groups = [f"g{i % 40:02d}" for i in range(380)] + ["large"] * 20
    run = made_run(np.ones((400, 2)), groups=groups)
    parts = figure_parts(run.curves, sorted(set(groups)))
    assert len(parts) == MOST_PANELS
    assert "large" in [name for name, _ in parts]
    assert parts[-1][0] == "other (22 groups)"
    assert sum(own.sum() for _, own in parts) == 400


def test_one_group_tells_nothing_but_how_to_get_more():
    found = section(made_run(nested(50, [0.2, 0.5])))
    assert found.words[0].startswith("That cannot be told: all 50 samples are in one group")
    assert "--groups" in found.words[0]
    assert found.pictures == ()


def test_small_groups_are_not_judged():
    scores = np.vstack([nested(200, [0.3, 0.9]), [[0.0, 1.0]] * 3, [[0.0, 1.0]]])
    run = made_run(scores, groups=["many"] * 200 + ["three"] * 3 + ["one"])
    found = section(run)
    assert "2 groups have under 10 samples" in found.words[-1]
    assert all(np.isnan(g.p) for g in measured(run) if g.name != "many")


def test_groups_without_a_right_answer_come_last():
    run = made_run(np.vstack([np.zeros((30, 2)), np.ones((30, 2))]), groups=["a"] * 30 + ["b"] * 30)
    assert [group.name for group in measured(run)] == ["b", "a"]
    assert "No scale gets anything right in 'a'." in section(run).words
