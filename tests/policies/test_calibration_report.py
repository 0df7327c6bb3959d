import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from policies.calibration_report import (
    brier_score,
    calibration_report,
    expected_calibration_error,
    log_loss,
    save_reliability_figure,
)


def drawn(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.02, 0.98, (n, 2))
    return true, (rng.random((n, 2)) < true).astype(float)


def test_figures_are_those_of_sklearn():
    true, scores = drawn()
    p, y = true[:, 0], scores[:, 0]
    assert brier_score(p, y) == pytest.approx(brier_score_loss(y, p))
    assert log_loss(p, y) == pytest.approx(sklearn_log_loss(y, p))


def test_the_error_is_what_a_shift_adds():
    true, scores = drawn(20_000)
    p, y = 0.6 * true[:, 0], 0.6 * true[:, 0]
    assert expected_calibration_error(p, y) == pytest.approx(0.0, abs=1e-12)
    assert expected_calibration_error(p + 0.3, y) == pytest.approx(0.3)
    assert expected_calibration_error(true[:, 0], scores[:, 0]) < 0.015


def test_bins_hold_equally_many_and_lose_nobody():
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.9])
    y = np.array([0.0, 0.2, 0.0, 0.8, 1.0])
    # Two samples, then three: |0.3 - 0.2| and |1.6 - 1.8|, over five.
    assert expected_calibration_error(p, y, num_bins=2) == pytest.approx(0.3 / 5)
    assert expected_calibration_error(p, y, num_bins=50) == pytest.approx(np.abs(p - y).mean())


def test_a_sample_counted_twice_is_a_sample_given_twice():
    true, scores = drawn(40)
    p, y, counts = true[:, 0], scores[:, 0], np.full(40, 2.0)
    twice = (np.repeat(p, 2), np.repeat(y, 2))
    for figure in (brier_score, log_loss, expected_calibration_error):
        assert figure(p, y, weights=counts) == pytest.approx(figure(p, y))
    assert expected_calibration_error(*twice, num_bins=10) == pytest.approx(
        expected_calibration_error(p, y, num_bins=10, weights=counts)
    )


def test_the_report_tells_a_good_rung_from_a_bad_one():
    true, scores = drawn()
    expected = np.column_stack([true[:, 0], np.clip(true[:, 1] + 0.2, 0, 1)])
    good, bad = calibration_report(expected, scores, np.random.default_rng(0), resamples=60)
    assert good.ece.interval.high < bad.ece.interval.low
    assert good.brier.value < bad.brier.value
    assert good.log_loss.interval.low <= good.log_loss.value <= good.log_loss.interval.high
    assert {b.size for b in good.bins} == {133, 134}
    assert sum(b.size for b in good.bins) == 2000
    inside = [b.interval.low <= b.predicted <= b.interval.high for b in good.bins]
    assert np.mean(inside) > 0.7
    assert not any(b.interval.low <= b.predicted <= b.interval.high for b in bad.bins[3:10])


def test_shares_of_right_are_scores_too():
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 4, (600, 1)) / 3
    report = calibration_report(scores, scores, rng, resamples=10)[0]
    assert report.ece.value == pytest.approx(0.0, abs=1e-12)
    assert report.brier.value == 0.0
    assert report.log_loss.value > 0.1  # a share is not foreseen by being expected


def test_the_same_draws_give_the_same_intervals():
    first, again = (
        calibration_report(*drawn(200), np.random.default_rng(1), resamples=20) for _ in range(2)
    )
    assert first == again


def test_the_figure_has_a_panel_per_rung(tmp_path):
    report = calibration_report(*drawn(200), np.random.default_rng(0), resamples=10)
    save_reliability_figure(tmp_path / "one.png", report[:1], ["36"])
    save_reliability_figure(tmp_path / "two.png", report, ["36", "144"])
    one, two = (
        np.asarray(Image.open(tmp_path / f"{n}.png").convert("RGB")) for n in ("one", "two")
    )
    assert two.shape[1] == 2 * one.shape[1]
    assert len(np.unique(two.reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize(
    ("expected", "scores", "match"),
    [
        (np.zeros((3, 2)), np.zeros((3, 1)), "one table"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "one table"),
        (np.zeros((3, 2)), np.full((3, 2), 2.0), r"lie in \[0, 1\]"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "must be finite"),
    ],
)
def test_tables_that_do_not_fit_are_refused(expected, scores, match):
    with pytest.raises(ValueError, match=match):
        calibration_report(expected, scores, np.random.default_rng(0))
