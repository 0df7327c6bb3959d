import time

import numpy as np
import pytest

from budget.call_times import Call, CallTime, measure, time_call
from budget.models import load_model
from budget.time_bench import Extent, batch_cost, drawn_from, grid_of, measure_times
from budget.time_model import CallCost

EXTENT = Extent(max_rows=12, max_length=160)


@pytest.fixture(scope="module")
def model():
    return load_model("m3")


def truth(call):
    """Times of a machine that is just as the time model has it."""
    prefill = CallCost(fixed=7.0, row=0.2, token=0.09, pair=0.0003 if call.padded else 0.0002)
    step = CallCost(fixed=5.0, row=0.1, token=0.003, pair=0.0)
    return CallTime(prefill.ms(*call[:2]), step.ms(*call[:2]))


@pytest.mark.parametrize("padded", [False, True])
def test_a_machine_of_the_model_s_shape_is_found_exactly(padded):
    calls = grid_of(EXTENT)
    found = batch_cost(calls, [truth(call) for call in calls], padded=padded)
    expected = {"fixed": 7.0, "row": 0.2, "token": 0.09, "pair": 0.0003 if padded else 0.0002}
    assert found.prefill.model_dump() == pytest.approx(expected)
    expected = {"fixed": 5.0, "row": 0.1, "token": 0.003, "pair": 0.0}
    assert found.step.model_dump() == pytest.approx(expected)


def test_noise_makes_no_part_negative():
    rng = np.random.default_rng(0)
    calls = grid_of(EXTENT)
    for _ in range(20):
        noisy = [CallTime(*(each * rng.uniform(0.5, 2.0) for each in truth(c))) for c in calls]
        found = batch_cost(calls, noisy, padded=True)
        assert min(*found.prefill.model_dump().values(), *found.step.model_dump().values()) >= 0


def test_a_grid_of_single_prompts_pads_as_it_does_not():
    calls = grid_of(Extent(max_rows=1, max_length=40))
    assert {(call.rows, call.padded) for call in calls} == {(1, False)}
    times = [truth(call) for call in calls]
    assert batch_cost(calls, times, padded=True) == batch_cost(calls, times, padded=False)


def test_the_grid_reaches_the_largest_batch_and_held_out_ones_lie_inside():
    calls = grid_of(EXTENT)
    assert len(set(calls)) == len(calls)
    assert {call.rows for call in calls} == {1, 2, 4, 8, 12}
    assert (calls[0].length, calls[-1]) == (8, Call(12, 160, True))
    drawn = drawn_from(EXTENT, np.random.default_rng(0))
    assert len(drawn) == EXTENT.held_out
    assert {call.padded for call in drawn} == {False, True}
    for call in drawn:
        assert 1 <= call.rows <= 12
        assert 8 <= call.length <= 160
        assert call.rows > 1 or not call.padded


@pytest.mark.slow
def test_real_batches_are_measured_and_predicted(model, monkeypatch):
    # Time on the processor: others that run beside the tests do not count.
    monkeypatch.setattr("budget.call_times.now", lambda device: time.process_time())
    said = []
    found = measure_times(
        model,
        Extent(max_rows=4, max_length=60, held_out=4),
        new_tokens=3,
        repeats=3,
        progress=lambda *each: said.append(each),
    )
    assert (found.model, found.new_tokens, found.max_rows, found.max_length) == ("m3", 3, 4, 60)
    assert said == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert found.batch_ms(4, 160, False) > found.batch_ms(4, 15, False) > 0
    assert found.encode_ms(4) > found.encode_ms(1) > 0
    assert found.text_ms > 0
    assert found.prefill_error.median < 1


def test_the_model_is_left_as_it_was(model):
    language_model = model.model.model.language_model
    before = len(language_model._forward_pre_hooks)
    prefill_ms, step_ms = time_call(model, Call(2, 20, True))
    assert prefill_ms > 0
    assert step_ms > 0
    assert len(language_model._forward_pre_hooks) == before


def test_what_cannot_be_measured_is_refused(model):
    with pytest.raises(ValueError, match="only several prompts of several tokens can be padded"):
        time_call(model, Call(1, 20, True))
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        measure(model, [Call(1, 9, False)], [1], repeats=0)
    with pytest.raises(ValueError, match="prompts of more than 8 tokens"):
        measure_times(model, Extent(2, 8), new_tokens=2, repeats=1)
