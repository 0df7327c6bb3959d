from itertools import chain, combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_times import call_cost, toy_times

from budget.schedule import UNMEASURED, CallsInTokens, groups_ms, groups_of, schedule

COST = st.builds(
    call_cost,
    fixed=st.floats(0, 50),
    row=st.floats(0, 2),
    token=st.floats(0, 1),
    pair=st.floats(0, 0.01),
)
STEP = st.builds(call_cost, fixed=st.floats(0, 20), row=st.floats(0, 1), token=st.floats(0, 0.1))
LENGTHS = st.lists(st.sampled_from([13, 15, 16, 22, 50, 158]), min_size=1, max_size=7)


def contiguous(order, batch_size):
    """Every way of cutting an order into groups that are not too large."""
    places = range(1, len(order))
    for cuts in chain.from_iterable(combinations(places, k) for k in range(len(order))):
        groups = [order[a:b] for a, b in pairwise((0, *cuts, len(order)))]
        if max(map(len, groups)) <= batch_size:
            yield groups


def partitions(rows):
    """Every way of splitting rows into groups, contiguous or not."""
    if not rows:
        yield []
        return
    first, *rest = rows
    for others in partitions(rest):
        yield [[first], *others]
        for i, group in enumerate(others):
            yield [*others[:i], [first, *group], *others[i + 1 :]]


@given(LENGTHS, COST, COST, STEP, st.integers(1, 8), st.integers(1, 5))
def test_no_contiguous_partition_is_faster(lengths, even, padded, step, batch_size, new_tokens):
    times = toy_times(even, padded, step)
    found = schedule(lengths, times=times, batch_size=batch_size, new_tokens=new_tokens)
    assert sorted(chain.from_iterable(found)) == list(range(len(lengths)))
    assert max(map(len, found)) <= batch_size
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    assert list(chain.from_iterable(found)) == order

    def took(groups):
        return groups_ms(groups, lengths, times=times, new_tokens=new_tokens)

    best = min(map(took, contiguous(order, batch_size)))
    assert took(found) == pytest.approx(best, rel=1e-9, abs=1e-9)


@given(LENGTHS.filter(lambda lengths: len(lengths) < 7), COST, STEP, st.integers(1, 8))
def test_where_padding_costs_by_length_alone_no_partition_is_faster(
    lengths, even, step, batch_size
):
    times = toy_times(even, None, step)
    found = schedule(lengths, times=times, batch_size=batch_size)
    legal = (p for p in partitions(list(range(len(lengths)))) if max(map(len, p)) <= batch_size)
    best = min(groups_ms(groups, lengths, times=times) for groups in legal)
    assert groups_ms(found, lengths, times=times) == pytest.approx(best, rel=1e-9, abs=1e-9)


def test_it_pads_where_calls_are_dear_and_groups_where_tokens_are():
    lengths = [158, 15, 50, 15, 158, 50]
    dear_calls = toy_times(call_cost(fixed=1e4, token=0.1))
    assert schedule(lengths, times=dear_calls, batch_size=32) == [[1, 3, 2, 5, 0, 4]]
    dear_tokens = toy_times(call_cost(fixed=0.1, token=1.0))
    assert schedule(lengths, times=dear_tokens, batch_size=32) == [[1, 3], [2, 5], [0, 4]]


def test_lengths_that_are_near_share_a_call_and_others_do_not():
    # A call is worth as much as 100 tokens of padding.
    times = toy_times(call_cost(fixed=10.0, token=0.1))
    found = schedule([15, 158, 18, 23, 160], times=times, batch_size=32)
    assert found == [[0, 2, 3], [1, 4]]


def test_longer_answers_favour_fewer_calls():
    times = toy_times(call_cost(fixed=0.5, token=0.1), step=call_cost(fixed=5.0))
    lengths = [20, 20, 50, 50]
    assert len(schedule(lengths, times=times, batch_size=8, new_tokens=1)) == 2
    assert len(schedule(lengths, times=times, batch_size=8, new_tokens=9)) == 1


def test_a_dear_mask_keeps_lengths_apart():
    even, padded = call_cost(fixed=1.0, token=0.1), call_cost(fixed=30.0, token=0.1)
    times = toy_times(even, padded)
    assert schedule([15, 16, 15, 16], times=times, batch_size=8) == [[0, 2], [1, 3]]


def test_many_prompts_fill_batches():
    times = toy_times(call_cost(fixed=10.0, token=0.1))
    found = schedule([20] * 100, times=times, batch_size=32)
    assert len(found) == 4
    assert sum(map(len, found)) == 100


def test_where_nothing_was_measured_near_lengths_share_a_call_and_far_ones_do_not():
    mixed = [15, 158, 18, 23, 160, 15, 157]
    assert groups_of(mixed, UNMEASURED, batch_size=8, new_tokens=4) == [[0, 5, 2, 3], [6, 1, 4]]
    near = [12, 13, 14, 15, 16]
    assert groups_of(near, UNMEASURED, batch_size=8, new_tokens=16) == [[0, 1, 2, 3, 4]]


def test_what_a_call_is_worth_in_tokens_is_what_splitting_must_save():
    lengths = [20, 20, 50, 50]
    for call, groups in ((29.0, 2), (31.0, 1)):  # two rows are padded by 30 tokens, in 2 passes
        times = CallsInTokens(call)
        assert len(schedule(lengths, times=times, batch_size=8, new_tokens=2)) == groups
    assert CallsInTokens(10.0, new_tokens=3).batch_ms(4, 20, True) == 3 * 10.0 + 4 * 22


def test_answers_shorter_than_expected_are_believed():
    times = toy_times(call_cost(fixed=0.5, token=0.1), step=call_cost(fixed=5.0), new_tokens=9)
    lengths = [20, 20, 50, 50]
    assert len(groups_of(lengths, times, batch_size=8, new_tokens=1)) == 2
    assert len(groups_of(lengths, times, batch_size=8, new_tokens=512)) == 1


@pytest.mark.parametrize("times", [UNMEASURED, toy_times(call_cost(fixed=1.0))])
def test_no_prompts_are_no_groups_and_no_batch_size_is_refused(times):
    assert groups_of([], times, batch_size=4, new_tokens=2) == []
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        groups_of([9], times, batch_size=0, new_tokens=2)
