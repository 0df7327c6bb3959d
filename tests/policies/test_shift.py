import time

import numpy as np
import pytest
from scene_choices import load

from budget.errors import PolicyError
from policies.extras import restore_extra
from policies.predictor_state import PredictorState
from policies.shift import StreamMonitor
from policies.stream_reference import StreamReference, stream_reference

ALPHA = 0.1


def stream(seed, select=None, *, count):
    """A reference from one half of the real samples, and requests from the other."""
    data, rng = load(), np.random.default_rng(seed)
    order = rng.permutation(len(data.scores))
    known, coming = order[:2000], order[2000:]
    reference = stream_reference(data.features[known], data.expected[known], rng=rng)
    if select is not None:
        coming = coming[select(data)[coming]]
    rows = coming[:count]
    return StreamMonitor(reference, rng, alpha=ALPHA), data.features[rows], data.expected[rows]


def test_a_stream_like_the_calibration_hardly_ever_alarms():
    alarms = []
    for seed in range(110):
        monitor, features, expected = stream(seed, count=250)
        alarms.append(monitor.update(features, expected).alarm_at is not None)
    assert np.mean(alarms) <= ALPHA + 2.33 * np.sqrt(ALPHA * (1 - ALPHA) / 110)


@pytest.mark.parametrize(
    ("select", "within"),
    [
        (lambda data: np.isin(data.groups, ["counting", "digit"]), 40),
        (lambda data: data.density >= 6, 50),
    ],
)
def test_other_questions_or_denser_scenes_alarm_soon(select, within):
    found = []
    for seed in range(8):
        monitor, features, expected = stream(seed, select, count=within + 50)
        report = monitor.update(features, expected)
        found.append(report.alarm_at or np.inf)
        assert (report.moved is None) == (report.alarm_at is None)
    assert np.median(found) <= within


def test_a_change_after_a_long_quiet_is_found_too():
    monitor, features, expected = stream(3, count=1500)
    assert monitor.update(features, expected).alarm_at is None
    _, features, expected = stream(3, lambda data: data.groups == "digit", count=400)
    report = monitor.update(features, expected)
    assert report.alarm_at is not None
    assert 1500 < report.alarm_at < 1600


def test_batches_are_the_same_as_one_by_one():
    whole, features, expected = stream(5, lambda data: data.groups == "digit", count=150)
    parts, *_ = stream(5, lambda data: data.groups == "digit", count=150)
    report = whole.update(features, expected)
    for start in range(0, 150, 7):
        last = parts.update(features[start : start + 7], expected[start : start + 7])
    assert (last.alarm_at, last.evidence, last.moved) == (
        report.alarm_at, report.evidence, report.moved,
    )  # fmt: skip
    assert parts.num_requests == 150


def test_requests_outside_the_range_are_outliers():
    data = load()
    reference = stream_reference(data.features, data.expected, rng=np.random.default_rng(0))
    assert reference.outliers(data.features).mean() < 0.01
    strange = data.features[:5].copy()
    strange[2] = 1e6
    assert reference.outliers(strange).tolist() == [False, False, True, False, False]


def test_looking_for_an_outlier_takes_microseconds():
    table = np.random.default_rng(0).random((200, 149))
    reference = stream_reference(table, table[:, :5], rng=np.random.default_rng(0))
    took = []
    for _ in range(300):
        start = time.perf_counter()
        reference.outliers(table[:1])
        took.append(time.perf_counter() - start)
    # Under 20 on any recent machine; the fastest of many is what a busy one can do.
    assert min(took) < 40e-6


def test_the_reference_comes_back_from_its_state():
    data = load()
    before = stream_reference(data.features, data.expected, rng=np.random.default_rng(0))
    after = restore_extra(before.state(), data.features.shape[1], 5)
    assert isinstance(after, StreamReference)
    for old, new in zip(before, after, strict=True):
        assert np.array_equal(old, new)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": np.array([0, 1, 2, 99])}, "columns must be from 0 to 3"),
        ({"edges": np.zeros((9, 1))}, "'counts' must be int64 of shape"),
        ({"counts": np.full((9, 32), -1)}, "must not be negative"),
        ({"low": np.full(4, 1e9)}, "must not be negative"),
        ({"low": np.zeros(3)}, "'low' must be float64 of shape"),
        ({"more": np.zeros(3)}, "its arrays must be"),
    ],
)
def test_a_state_that_is_not_well_formed_is_refused(change, message):
    data = load()
    state = stream_reference(data.features, data.expected, rng=np.random.default_rng(0)).state()
    broken = PredictorState(state.kind, state.settings, {**state.arrays, **change})
    with pytest.raises(PolicyError, match=message):
        restore_extra(broken, 4, 5)


def test_what_no_policy_carries_is_refused():
    with pytest.raises(PolicyError, match="carries no 'magic'"):
        restore_extra(PredictorState("magic"), 4, 5)


def test_too_few_samples_and_impossible_levels_are_refused():
    with pytest.raises(ValueError, match="at least 40 samples are needed, got 3"):
        stream_reference(np.zeros((3, 2)), np.zeros((3, 2)), rng=np.random.default_rng(0))
    monitor, *_ = stream(0, count=1)
    with pytest.raises(ValueError, match=r"alpha must be in \(0, 1\), got 1"):
        StreamMonitor(monitor.reference, np.random.default_rng(0), alpha=1)
