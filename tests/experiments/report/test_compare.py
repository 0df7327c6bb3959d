from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from made_runs import made_run, nested

from experiments.report.compare import compare_section
from experiments.report.compare_measures import compare_runs
from experiments.report.compare_words import compare_words


class Asked(NamedTuple):
    questions: tuple[str, ...]
    references: tuple[tuple[str, ...], ...] = ()

    def images(self, row):
        return []


def pair(one, other, resamples=200):
    rng = np.random.default_rng(0)
    (found,) = compare_runs([one, other], rng, tolerance_points=1.0, resamples=resamples)
    return found


def section(*runs):
    return compare_section(runs, np.random.default_rng(0), resamples=100)


def needs_few(name="few", n=800, **options):
    return made_run(nested(n, [0.7, 0.701, 0.702]), name=name, **options)


def needs_many(name="many", n=800, **options):
    return made_run(nested(n, [0.3, 0.5, 0.8]), name=name, **options)


def test_which_needs_more_is_told():
    found = pair(needs_many(), needs_few())
    assert found.more >= 0.975
    words = section(needs_few(), needs_many()).words
    assert words[0].index("many needs 16 tokens") < words[0].index("few needs 1 token")
    assert "it needs fewer tokens" in words[1]


def test_pairing_leaves_out_what_both_have_in_common():
    run = made_run(np.random.default_rng(1).random((300, 3)) < 0.5, name="one")
    better = run.curves.scores.copy()
    better[:30] = 1.0
    other = made_run(better, name="other")
    strangers = replace(other, about={"model": "toy", "data": "b"})
    paired = pair(run, other)
    apart = pair(replace(run, about={"model": "toy", "data": "a"}), strangers)
    assert paired.paired
    assert not apart.paired
    widths = [found.area.high - found.area.low for found in (paired, apart)]
    assert widths[0] < 0.6 * widths[1]
    assert paired.area.value == apart.area.value


def test_equal_row_numbers_of_other_questions_are_not_the_same_samples():
    one, other = needs_few(), needs_many()
    asked = replace(one, samples=Asked(tuple(f"q{i}" for i in range(800))))
    same = replace(other, samples=Asked(tuple(f"q{i}" for i in range(800))))
    strange = replace(other, samples=Asked(tuple(f"why {i}" for i in range(800))))
    assert pair(asked, same, resamples=10).paired
    assert not pair(asked, strange, resamples=10).paired


def test_some_samples_in_common_are_matched_by_id():
    scores = nested(100, [0.3, 0.9])
    ids = [f"s{i}" for i in range(100)]
    backwards = made_run(scores[::-1], ids=ids[::-1], name="other")
    found = pair(made_run(scores, ids=ids, name="one"), backwards)
    assert (found.shared, found.area.value, found.best.value) == (100, 0.0, 0.0)


def test_areas_are_taken_over_the_tokens_that_both_reach():
    one = made_run(np.tile([0.0, 1.0], (50, 1)), scales=(1, 100), name="one")
    other = made_run(np.tile([0.0, 0.0, 0.0], (50, 1)), scales=(10, 100, 1000), name="other")
    # from 10 to 100 tokens one goes from half to all, the other stays at nothing
    assert pair(one, other).area.value == pytest.approx(0.75)
    far = made_run(np.ones((50, 2)), scales=(2000, 9000), name="far")
    assert pair(one, far).area is None


def test_runs_alike_are_not_told_apart():
    rng = np.random.default_rng(3)
    one, other = (made_run(rng.random((60, 3)) < 0.5, name=name) for name in ("a", "b"))
    words = section(one, other).words
    assert "cannot be told apart" in words[1]


def test_many_runs_are_compared_with_the_first():
    runs = [needs_few(name=f"run {i}", n=20) for i in range(8)]
    rng = np.random.default_rng(0)
    found = compare_runs(runs, rng, tolerance_points=1.0, resamples=10)
    assert [each.other for each in found] == ["run 0"] * 7
    report = section(*runs)
    assert len(report.tables[0].rows) == 8
    assert report.pictures[0].png.startswith(b"\x89PNG")


def test_a_need_is_told_only_outside_a_two_sided_interval_and_pairs_are_told_apart():
    found = pair(needs_many(), needs_few())
    ends = [
        compare_words({}, [found._replace(more=each, fewer=0.0)], 1.0)[1] for each in (0.97, 0.98)
    ]
    assert "their needs cannot be told apart" in ends[0]
    assert "it needs more tokens, in 98 %" in ends[1]
    assert not any("by itself" in each for each in compare_words({}, [found], 1.0))
    assert any("one of 2" in each for each in compare_words({}, [found, found], 1.0))


def test_one_run_is_no_comparison():
    with pytest.raises(ValueError, match="at least two runs, got 1"):
        section(needs_few())


def test_a_run_that_gets_nothing_right_has_no_need_to_compare():
    words = section(needs_many(), made_run(np.zeros((800, 3)), name="none")).words
    assert "their needs cannot be compared" in words[1]
    assert "needs more" not in words[1]
