import math

import numpy as np
import pytest

from policies.evaluation import Evaluator, evaluate, gap_areas, measured
from policies.rules import per_group_of

TOKENS = np.array([1.0, 4.0, 16.0, 64.0])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    needed = rng.integers(0, 5, size=400)
    scores = (np.arange(4) >= needed[:, None]).astype(float)
    return measured(scores, TOKENS, groups=[str(n % 2) for n in needed])


def rows_of(data, **more):
    found = evaluate(
        data,
        expected=data.scores + np.random.default_rng(1).normal(0, 0.3, data.scores.shape),
        prices={"no-loss": 0.05, "aggressive": 0.5},
        rng=np.random.default_rng(0),
        resamples=50,
        **more,
    )
    return {row.name: row for row in found}


def test_every_way_to_choose_has_a_row(data):
    rows = rows_of(data, group_expected=np.tile(data.scores.mean(axis=0), (400, 1)))
    assert list(rows) == [
        *(f"fixed {m}" for m in (1, 4, 16, 64)),
        "random mix",
        "per-group fixed",
        "policy, no-loss",
        "policy, aggressive",
        "oracle, stable",
        "oracle, any correct",
    ]
    for row in rows.values():
        assert row.low <= row.accuracy <= row.high
        assert math.isnan(row.mean_flops)
        assert math.isnan(row.mean_ms)


def test_the_oracles_close_all_and_the_mix_nothing(data):
    rows = rows_of(data)
    assert rows["oracle, stable"].gap_closed_stable == pytest.approx(1.0)
    assert rows["oracle, any correct"].gap_closed_any == pytest.approx(1.0)
    assert math.isnan(rows["fixed 1"].gap_closed_any)
    assert rows["fixed 16"].gap_closed_any <= 0
    assert rows["random mix"].gap_closed_any == pytest.approx(0.0, abs=0.3)


def test_a_random_mix_lies_on_the_hull_within_its_luck(data):
    evaluator = Evaluator(data, np.random.default_rng(0), resamples=10)
    drawn = [evaluator.row("mix", evaluator.mix(10.0)) for _ in range(200)]
    assert np.mean([row.mean_tokens for row in drawn]) == pytest.approx(10.0, abs=0.1)
    assert np.mean([row.accuracy for row in drawn]) == pytest.approx(
        evaluator.hull.at(10.0), abs=0.005
    )


def test_the_decision_is_part_of_the_policys_time(data):
    ms = np.tile([1.0, 2.0, 3.0, 4.0], (400, 1))
    timed = measured(data.scores, TOKENS, ms=ms, flops=1e6 * ms)
    rows = rows_of(timed, decision_ms=1.5)
    assert rows["fixed 4"].mean_ms == 2.0
    assert rows["fixed 4"].mean_flops == 2e6
    shares = rows_of(timed)
    assert rows["policy, no-loss"].mean_ms == pytest.approx(shares["policy, no-loss"].mean_ms + 1.5)


def test_the_baselines_spend_no_more_than_the_policy(data):
    rows = rows_of(data, group_expected=per_group_of(data, data.groups, data.scores).expected)
    spent = rows["policy, no-loss"].mean_tokens
    assert rows["per-group fixed"].mean_tokens <= spent + 1e-9
    assert rows["random mix"].mean_tokens == pytest.approx(spent, abs=0.2)


def test_areas_of_full_information_are_one(data):
    found = gap_areas(data, {"all": data.scores}, rng=np.random.default_rng(0), resamples=5)["all"]
    assert found.gap.stable == pytest.approx(1.0)
    assert found.stable.low == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("scores", "groups", "message"),
    [
        (np.zeros((0, 4)), None, r"scores \[n, k\] and tokens"),
        (np.zeros((3, 3)), None, r"scores \[n, k\] and tokens"),
        (np.zeros((3, 4)), ["a"], "as many groups"),
    ],
)
def test_measurements_that_do_not_fit_are_refused(scores, groups, message):
    with pytest.raises(ValueError, match=message):
        measured(scores, TOKENS, groups=groups)
