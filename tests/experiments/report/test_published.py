import numpy as np
import pytest
from made_runs import made_run, nested

from experiments.report.need_measures import measure_need
from experiments.report.published import compare_shapes, published_section
from experiments.report.published_curves import published_curves, shape_distances


def one(benchmark, model):
    (found,) = [p for p in published_curves() if (p.benchmark, p.model) == (benchmark, model)]
    return found


def like(other, n=3000, factor=0.8):
    """A run whose curve has the shape of a published one, at another height."""
    scales = tuple(int(each) for each in other.tokens)
    at = factor * np.maximum.accumulate(other.scores)
    return made_run(nested(n, at, seed=5), scales=scales)


def section(run, **options):
    return published_section(run, np.random.default_rng(0), resamples=100, **options)


def test_published_numbers_are_the_papers():
    assert len(published_curves()) == 24
    docvqa = one("DocVQA", "LLaVA-NeXT-M3")
    assert docvqa.tokens.tolist() == [1, 9, 36, 144, 576]
    assert docvqa.scores == pytest.approx([0.3163, 0.4352, 0.5594, 0.6648, 0.7261])
    assert docvqa.oracle == pytest.approx((0.8173, 64.09))
    assert not docvqa.digitised
    mqt = one("VQAv2", "MQT-LLaVA-7B")
    assert mqt.tokens.tolist() == [2, 4, 8, 16, 36, 64, 144, 256]
    assert (mqt.scores[0], mqt.scores[-1]) == pytest.approx((0.610, 0.768))
    assert mqt.digitised
    assert mqt.oracle is None


def test_published_scores_are_shares_and_come_from_one_of_the_two_papers():
    for curve in published_curves():
        assert ((curve.scores > 0) & (curve.scores < 1)).all()
        assert (np.diff(curve.tokens) > 0).all()
        assert ("2405.17430" in curve.source) != ("2405.19315" in curve.source)
        assert curve.digitised == ("MQT" in curve.model)


def test_a_curve_of_the_same_shape_is_no_distance_away_at_any_height():
    other = one("TextVQA", "LLaVA-NeXT-M3")
    found = shape_distances(other.tokens, np.array([other.scores, 0.5 * other.scores]), other)
    assert found == pytest.approx([0, 0])


def test_a_distance_is_the_mean_gap_over_log_tokens():
    other = one("TextVQA", "LLaVA-NeXT-M3")
    flat = np.ones((1, 2))
    fine = np.geomspace(1, 576, 20_001)
    theirs = np.interp(np.log(fine), np.log(other.tokens), other.scores) / other.scores[-1]
    (found,) = shape_distances(np.array([1.0, 576.0]), flat, other)
    assert found == pytest.approx((1 - theirs).mean(), abs=2e-3)


def test_too_little_of_the_axis_is_not_compared():
    other = one("TextVQA", "LLaVA-NeXT-M3")
    assert shape_distances(np.array([400.0, 800.0]), np.ones((1, 2)), other) is None


@pytest.mark.parametrize("benchmark", ["DocVQA", "ScienceQA"])
def test_a_run_of_a_benchmarks_shape_is_told_to_be_like_it(benchmark):
    other = one(benchmark, "LLaVA-NeXT-M3")
    need = measure_need(like(other).curves, np.random.default_rng(0), resamples=100)
    nearest = compare_shapes(need)[0]
    assert nearest.other == other
    assert nearest.distance.value < 0.02
    assert benchmark in section(like(other)).words[0]


def test_the_table_has_this_run_first_and_then_every_published_curve():
    found = section(made_run(nested(200, [0.5, 0.6, 0.7, 0.7])))
    first, curves = found.tables
    assert len(first.rows) == 25
    assert first.rows[0][0] == "this dataset: toy"
    names = [column.name for column in first.columns]
    mmmu = dict(
        zip(names, next(r for r in first.rows if r[0] == "MMMU" and "M3" in r[1]), strict=True)
    )
    assert (mmmu["saturation_tokens"], mmmu["oracle_tokens"]) == (36.0, 22.85)
    assert len(curves.rows) == 25


def test_the_runs_oracle_is_counted_as_the_papers_is():
    run = made_run([[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1]] * 5)
    table = section(run).tables[0]
    own = dict(zip([column.name for column in table.columns], table.rows[0], strict=True))
    assert own["oracle_accuracy"].value == 0.75
    assert own["oracle_tokens"].value == (4 + 1 + 1 + 16) / 4


def test_the_words_stay_careful():
    words = section(made_run(np.random.default_rng(0).random((40, 4)) < 0.5)).words
    assert "That is not sure" in words[0]
    assert "no more" in words[-1]
    nothing = section(made_run(np.zeros((40, 3)))).words
    assert nothing[0] == "Nothing can be compared: no scale gets anything right."
    assert (
        "share too little" in section(made_run(nested(50, [0.5, 0.6]), scales=(900, 3000))).words[0]
    )


def test_noise_of_few_samples_does_not_make_a_shape_of_its_own():
    # Right or wrong by chance at every scale, so that a curve of 30 samples is far from smooth.
    other, rng = one("MMMU", "LLaVA-NeXT-M3"), np.random.default_rng(0)
    scales = tuple(int(each) for each in other.tokens)
    for _ in range(8):
        run = made_run(rng.random((30, 5)) < other.scores, scales=scales)
        assert not section(run).words[0].startswith("No published curve is of this")


def test_a_shape_that_none_has_is_not_called_alike():
    words = section(made_run(nested(800, [0.9, 0.7, 0.4, 0.2]))).words
    assert words[0].startswith("No published curve is of this dataset's shape: the nearest")
