import numpy as np
import pytest

from oracle.curves import Curves
from oracle.report import wilson
from oracle.significance import mcnemar
from oracle.sufficient import sufficient
from oracle.transitions import lost_at_full, transitions


def made(scores, tokens=None):
    scores = np.asarray(scores, dtype=float)
    n, k = scores.shape
    scales = tuple(4**i for i in range(k))
    unknown = np.full((n, k), np.nan)
    return Curves(
        np.array([f"s{i}" for i in range(n)]),
        np.array(["all"] * n),
        scales,
        scores,
        np.full((n, k), ""),
        unknown,
        unknown,
        unknown,
        np.broadcast_to(scales, (n, k)) if tokens is None else np.asarray(tokens),
        np.zeros((n, k), dtype=int),
    )


def found(curves, **options):
    return transitions(curves, np.random.default_rng(0), resamples=200, **options)


def test_turns_are_counted_pair_by_pair():
    rows = [[0, 1, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]]
    first, second = found(made(rows))
    assert (first.helped, first.hurt) == (wilson(3 / 8, 8), wilson(1 / 8, 8))
    assert (second.helped, second.hurt) == (wilson(1 / 8, 8), wilson(2 / 8, 8))
    assert (first.net.value, second.net.value) == (2 / 8, -1 / 8)
    assert first.p == pytest.approx(float(mcnemar(3, 1)))


def test_net_changes_add_up_to_the_whole():
    scores = np.random.default_rng(1).random((300, 5))
    net = [each.net.value for each in found(made(scores))]
    assert sum(net) == pytest.approx(scores[:, -1].mean() - scores[:, 0].mean())


def test_soft_scores_turn_at_the_threshold():
    (one,) = found(made([[0.2, 0.6], [0.55, 0.6], [0.9, 0.45]]), threshold=0.5)
    assert one.helped[0] == 1 / 3
    (other,) = found(made([[0.2, 0.6], [0.55, 0.6], [0.9, 0.45]]), threshold=0.58)
    assert other.helped[0] == 2 / 3


def test_samples_that_get_no_more_tokens_do_not_count():
    scores, tokens = [[0, 1], [1, 0], [0, 1]], [[4, 16], [4, 4], [4, 16]]
    (one,) = found(made(scores, tokens))
    assert (one.n, one.helped[0], one.hurt[0], one.net.value) == (2, 1.0, 0.0, 1.0)
    (none,) = found(made(scores, [[4, 4]] * 3))
    assert none.n == 0
    assert np.isnan([none.helped[0], none.net.value]).all()


def test_a_net_change_that_was_not_seen_is_not_ruled_out():
    (one,) = found(made(np.ones((30, 2))))
    assert one.net.value == 0
    assert one.net.low < -0.05
    assert one.net.high > 0.05


def test_the_net_changes_intervals_cover_it():
    rng, covered = np.random.default_rng(5), 0
    for _ in range(100):
        chance = rng.random((60, 1))
        scores = np.hstack([chance < 0.5, (chance < 0.6) ^ (rng.random((60, 1)) < 0.1)])
        truth = 0.6 * 0.9 + 0.4 * 0.1 - 0.5
        (one,) = transitions(made(scores), rng, resamples=200)
        covered += one.net.low <= truth <= one.net.high
    assert covered / 100 >= 0.9


def test_lost_are_those_right_before_and_wrong_at_last():
    rows = [[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 1], [0, 0, 1]]
    assert lost_at_full(made(rows)).tolist() == [1, 1, 0, 0, 0]


def test_minimal_scales_are_counted_by_rule_and_unsolved_stand_apart():
    rows = [[1, 1, 1], [1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 1, 0]]
    rng = np.random.default_rng(0)
    stable, first = (sufficient(made(rows), rule, rng) for rule in ("stable", "first_correct"))
    assert [each.value for each in stable.shares] == [0.2, 0.2, 0.2]
    assert [each.value for each in first.shares] == [0.6, 0.2, 0.0]
    assert (stable.unsolved.value, first.unsolved.value) == (0.4, 0.2)
    assert (stable.mean_tokens.value, stable.median_tokens) == (7.0, 4.0)
    assert first.mean_tokens.value == pytest.approx((3 * 1 + 4) / 4)


def test_where_nothing_is_solved_there_is_no_mean():
    none = sufficient(made(np.zeros((9, 3))), "stable", np.random.default_rng(0))
    assert none.unsolved.value == 1.0
    assert np.isnan([none.mean_tokens.value, none.median_tokens]).all()
    assert none.solved == 0
