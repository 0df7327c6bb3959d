import math

import numpy as np
import pytest

from oracle.accounting import account
from oracle.comparison import compare
from oracle.labels import parse_rule
from oracle.report import falling_rate

SCALES = (1, 9, 36, 144)


def compared(curves, **more):
    return compare(curves, np.random.default_rng(0), resamples=50, permutations=5, **more)


@pytest.fixture
def noisy(curves_of):
    scores = (np.random.default_rng(0).random((400, 4)) < [0.4, 0.5, 0.6, 0.7]).astype(float)
    return curves_of(scores, SCALES)


@pytest.mark.parametrize("unsolved", ["cheapest", "full", "drop"])
def test_every_row_is_the_account_of_its_rule(noisy, unsolved):
    result = compared(noisy, unsolved=unsolved)
    words = [row.rule for row in result.rows]
    assert words == ["first-correct", "stable", "within:0.1", "agrees-with-full", "expected"]
    for row in result.rows:
        rule, tolerance = parse_rule(row.rule)
        counted = account(noisy, rule, unsolved, tolerance=tolerance)
        assert row.accuracy.value == pytest.approx(counted.accuracy)
        assert row.mean_tokens.value == pytest.approx(counted.mean_tokens)
        assert (row.solved, row.n, row.unsolved) == (counted.solved, counted.n, unsolved)
        assert row.accuracy.low <= row.accuracy.value <= row.accuracy.high
        assert row.mean_tokens.low < row.mean_tokens.value < row.mean_tokens.high


def test_m3s_count_stays_m3s_whatever_is_chosen(noisy):
    m3 = compared(noisy, unsolved="full", threshold=0.9).m3
    counted = account(noisy)
    assert (m3.rule, m3.unsolved) == ("first-correct", "cheapest")
    assert m3.accuracy.value == pytest.approx(counted.accuracy)
    assert m3.mean_tokens.value == pytest.approx(counted.mean_tokens)


def test_the_full_scale_stands_beside_them(noisy):
    full = compared(noisy).full
    assert full.accuracy.value == pytest.approx(noisy.scores[:, -1].mean())
    assert full.mean_tokens == (144, 144, 144)


def test_falls_are_counted_pair_by_pair_and_sample_by_sample(curves_of):
    scores = [[1, 0, 1, 0], [0, 1, 1, 1], [1, 1, 1, 1], [0.5, 0.4, 0.4, 1]]
    result = compared(curves_of(scores, SCALES))
    assert result.falling_pairs.value == pytest.approx(3 / 12)
    assert result.falling_samples.value == pytest.approx(2 / 4)
    assert result.falling_samples.value == falling_rate(curves_of(scores, SCALES))


def test_neighbours_with_equal_tokens_are_no_pair(curves_of):
    tokens = [[1, 9, 9, 9]]
    result = compared(curves_of([[1, 0, 1, 0]], SCALES, tokens=tokens))
    assert result.falling_pairs.value == 1  # of the one pair there is
    none = compared(curves_of([[1, 0, 1, 0]], SCALES, tokens=[[9, 9, 9, 9]]))
    assert math.isnan(none.falling_pairs.value)
    assert none.falling_samples.value == 0


def test_luck_is_what_any_correct_has_and_knowledge_has_not(noisy):
    result = compared(noisy)
    assert result.luck.value == pytest.approx(
        result.m3.accuracy.value - result.known_accuracy.value
    )
    assert result.guessed_gain == pytest.approx(1, abs=0.1)
    assert result.luck.low > 0  # these scores are drawn independently


def test_curves_without_answers_have_no_agreement(curves_of):
    scores = np.array([[0.0, 1.0], [1.0, 1.0]])
    result = compared(curves_of(scores, answers=np.full((2, 2), "")))
    assert [row.rule for row in result.rows] == [
        "first-correct",
        "stable",
        "within:0.1",
        "expected",
    ]


def test_where_nothing_is_gained_no_share_of_it_is_a_guess(curves_of):
    assert math.isnan(compared(curves_of([[0.0, 1.0], [1.0, 1.0]])).guessed_gain)


def test_dropping_every_sample_leaves_a_row_of_nothing(curves_of):
    row = compared(curves_of(np.zeros((3, 2))), unsolved="drop").rows[0]
    assert (row.n, row.solved) == (0, 0)
    assert math.isnan(row.accuracy.value)
    assert math.isnan(row.mean_tokens.low)
