import numpy as np
import pytest
from made_runs import made_run, nested

from experiments.report.need import need_section
from experiments.report.need_measures import measure_need
from experiments.report.section import Value


def section(run, **options):
    return need_section(run, np.random.default_rng(0), resamples=200, **options)


def table(found, name):
    (one,) = [each for each in found.tables if each.name == name]
    return [dict(zip([c.name for c in one.columns], row, strict=True)) for row in one.rows]


def test_the_first_words_and_the_table_tell_the_saturation_point():
    found = section(made_run(nested(4000, [0.3, 0.6, 0.8, 0.803])))
    assert found.words[0].startswith("This dataset needs 16 visual tokens a sample: accuracy")
    assert "within 1 point of the best scale's" in found.words[0]
    assert found.words[1].startswith("That is sure")
    (row,) = table(found, "need")
    assert row["saturation_tokens"] == Value(16.0, 16.0, 16.0)


def test_the_words_do_not_say_more_than_the_interval_allows():
    run = made_run(np.random.default_rng(1).random((40, 4)) < 0.5)
    found = section(run)
    assert found.words[1].startswith("That is not sure: its 95 % interval runs from")
    assert not any("still rises" in word or "hurt" in word for word in found.words)


def test_thirty_samples_never_make_one_point_sure():
    found = section(made_run(nested(30, [0.5, 0.7, 0.7])))
    assert found.words[1].startswith("That is not sure")


def test_a_curve_that_ends_rising_says_so_and_one_that_falls_too():
    rising = section(made_run(nested(2000, [0.3, 0.5, 0.8])))
    assert any("Accuracy still rises at the largest scale" in word for word in rising.words)
    falling = section(made_run(nested(2000, [0.8, 0.6, 0.5])))
    assert falling.words[0].startswith("This dataset needs 1 visual token a sample")
    assert any(word.startswith("More tokens hurt here") for word in falling.words)


def test_where_nothing_is_right_nothing_is_told():
    found = section(made_run(np.zeros((60, 3))))
    assert len(found.words) == 1
    assert "no scale gets any of the 60 samples right" in found.words[0]
    (row,) = table(found, "need")
    assert np.isnan(row["saturation_tokens"]).all()
    assert table(found, "minimal_sufficient")[-1]["stable"].value == 1.0


def test_a_few_samples_are_called_a_guess():
    found = section(made_run(nested(5, [0.5, 0.9])))
    assert "With 5 samples this is a guess" in found.words[1]
    assert np.isnan(table(found, "need")[0]["saturation_tokens"].low)


def test_the_tolerance_moves_the_point():
    run = made_run(nested(4000, [0.7, 0.75, 0.8]))
    few, many = (section(run, tolerance_points=points).words[0] for points in (12, 0.5))
    assert few.startswith("This dataset needs 1 visual token")
    assert many.startswith("This dataset needs 16 visual tokens")
    assert "within 0.5 points" in many


def test_tokens_that_differ_per_sample_are_told_by_their_means():
    tokens = np.minimum([16, 64, 256], np.arange(20, 320)[:, None])
    run = made_run(nested(300, [0.2, 0.5, 0.9]), tokens=tokens, scales=(16, 64, 256))
    mean = tokens[:, 2].mean()
    assert f"needs {mean:.1f} visual tokens" in section(run).words[0]
    assert table(section(run), "accuracy_by_scale")[2]["mean_tokens"] == pytest.approx(mean)


def test_all_accuracies_have_intervals_and_shares_add_up():
    found = section(made_run(nested(200, [0.3, 0.6, 0.8])))
    rows = table(found, "accuracy_by_scale")
    assert all(row["accuracy"].low < row["accuracy"].value < row["accuracy"].high for row in rows)
    assert sum(row["saturation_share"] for row in rows) == pytest.approx(1)
    shares = table(found, "minimal_sufficient")
    for rule in ("stable", "first_correct"):
        assert sum(row[rule].value for row in shares) == pytest.approx(1)


def test_gains_and_the_area_are_those_of_the_means():
    scores = np.random.default_rng(2).random((50, 3))
    need = measure_need(made_run(scores).curves, np.random.default_rng(0), resamples=50)
    means = scores.mean(axis=0)
    assert [gain.value for gain in need.gains] == pytest.approx(np.diff(means).tolist())
    area = (means[0] + 2 * means[1] + means[2]) / 4  # rungs of 1, 4 and 16 tokens
    assert need.area.value == pytest.approx(area)
    assert need.shortfall.value == pytest.approx(means[2] - area)
    assert need.below_full[0].value == pytest.approx(means[2] - means[0])


def test_pictures_are_png_with_words_beside():
    found = section(made_run(nested(100, [0.3, 0.6])))
    assert [picture.name for picture in found.pictures] == [
        "accuracy_by_tokens",
        "minimal_sufficient",
    ]
    assert all(picture.png.startswith(b"\x89PNG") and picture.alt for picture in found.pictures)
