import numpy as np
import pytest
from scipy.stats import binomtest

from oracle.report import RULES, falling_rate, summarise, wilson
from oracle.sweeping import sweep


@pytest.mark.parametrize(("right", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (705, 1000)])
def test_wilson_is_scipys_interval(right, n):
    interval = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right / n, n)[1:] == pytest.approx((interval.low, interval.high), abs=1e-12)


@pytest.mark.parametrize(("mean", "n"), [(1.2, 10), (0.5, 0), (float("nan"), 10)])
def test_wilson_refuses_what_is_no_share(mean, n):
    with pytest.raises(ValueError, match="needs a share"):
        wilson(mean, n)


def test_groups_add_up_to_all(toys):
    curves = sweep(toys.ReaderVLM(), toys.reader_dataset())
    rows = {row.group: row for row in summarise(curves)}
    assert list(rows) == ["all", "high", "low"]
    assert rows["high"].n + rows["low"].n == rows["all"].n == 20
    for rung in range(3):
        parts = [rows[g].accuracy[rung].mean * rows[g].n for g in ("high", "low")]
        assert sum(parts) / 20 == pytest.approx(rows["all"].accuracy[rung].mean)
    assert rows["low"].accuracy[0].mean == 0.2  # 0 and 5 of 0, 5, ... 45 are below 10
    assert [(o.rule, o.unsolved) for o in rows["low"].oracles] == list(RULES)


def test_more_tokens_never_hurt_the_toy_and_a_shuffled_one_is_caught(toys):
    curves = sweep(toys.ReaderVLM(), toys.reader_dataset())
    assert falling_rate(curves) == 0
    worse = {f: getattr(curves, f) for f in curves.__slots__} | {"scores": curves.scores[:, ::-1]}
    gained = (curves.scores[:, -1] > curves.scores[:, 0]).mean()
    assert falling_rate(type(curves)(**worse)) == pytest.approx(gained)


def test_a_dataset_without_groups_has_one_row(toys):
    dataset = toys.reader_dataset([0, 5]).remove_columns("group")
    assert [row.group for row in summarise(sweep(toys.ReaderVLM(), dataset))] == ["all"]


def test_intervals_hold_their_mean():
    for n in (1, 3, 50):
        for mean in np.linspace(0, 1, 11):
            estimate = wilson(float(mean), n)
            assert 0 <= estimate.low <= estimate.mean <= estimate.high <= 1
