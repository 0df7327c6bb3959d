"""Splits of a total over images: as good as the best of all splits, and quick."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budget.splitting import refuse_too_small, split_best, split_evenly

LADDER = (1, 9, 36, 144, 576)


@st.composite
def prompts(draw):
    """Scores, tokens and a total that is met by something; few values, so that there are ties."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    score = st.integers(-4, 12).map(lambda x: x / 10) | st.floats(0, 1)
    scores = draw(st.lists(st.lists(score, min_size=k, max_size=k), min_size=n, max_size=n))
    row = st.lists(st.integers(0, 30), min_size=k, max_size=k)
    rows = draw(st.lists(row | row.map(sorted), min_size=n, max_size=n))
    least = sum(map(min, rows))
    return np.array(scores), np.array(rows), least + draw(st.integers(0, 60))


def all_splits(tokens, total):
    n, k = tokens.shape
    for rungs in product(range(k), repeat=n):
        spent = sum(int(tokens[i, rung]) for i, rung in enumerate(rungs))
        if spent <= total:
            yield rungs, spent


@given(prompts())
@settings(max_examples=400, deadline=None)
def test_no_split_within_the_total_is_better(prompt):
    scores, tokens, total = prompt
    steps = np.rint(scores * 1e11).astype(object)  # as whole numbers: sums of floats have no ties
    best = max(
        (
            sum(steps[i, rung] for i, rung in enumerate(rungs)),
            -spent,  # of equally good ones the one of fewest tokens
            [tokens[i, rung] for i, rung in enumerate(rungs)],  # then more for earlier images
            [-rung for rung in rungs],
        )
        for rungs, spent in all_splits(tokens, total)
    )
    found = split_best(scores, tokens, total).tolist()
    spent = sum(int(tokens[i, rung]) for i, rung in enumerate(found))
    worth = sum(steps[i, rung] for i, rung in enumerate(found))
    # Scores between two steps of the solver's can be a step apart for each image.
    assert worth >= best[0] - len(found)
    if worth == best[0]:
        assert -spent >= best[1]
    decimal = bool((np.round(scores, 1) == scores).all())
    if decimal:
        assert (worth, -spent) == (best[0], best[1])
        assert found == [-rung for rung in best[3]]


@given(prompts())
@settings(max_examples=200, deadline=None)
def test_an_even_split_keeps_the_total_and_is_even(prompt):
    _, tokens, total = prompt
    rungs = split_evenly(tokens, total)
    spent = int(tokens[np.arange(len(tokens)), rungs].sum())
    assert spent <= total
    even = np.flatnonzero(tokens.sum(axis=0) <= total)
    if even.size:
        assert set(rungs.tolist()) <= {even[-1], even[-1] + 1}
        # Nothing is left that one more image could have been raised with.
        for i in np.flatnonzero(rungs == even[-1]):
            if even[-1] + 1 < tokens.shape[1]:
                more = int(tokens[i, even[-1] + 1] - tokens[i, even[-1]])
                assert spent + more > total or more < 0


def test_more_goes_to_what_gains_more():
    scores = np.array([[0.5, 0.9, 0.91, 0.92, 0.92], [0.1, 0.2, 0.4, 0.9, 0.95]])
    tokens = np.array([LADDER] * 2)
    assert split_best(scores, tokens, 153).tolist() == [1, 3]
    assert split_best(scores, tokens, 152).tolist() == [0, 3]
    assert split_best(scores, tokens, 10_000).tolist() == [3, 4]  # 576 would buy the first nothing
    assert split_best(scores, tokens, 2).tolist() == [0, 0]


def test_a_greedy_choice_would_be_worse():
    # 10 tokens: the first raise by gain per token (0.3 for 3) bars the two that are worth most.
    scores = np.array([[0.0, 0.3], [0.0, 0.45], [0.0, 0.45]])
    tokens = np.array([[0, 3], [0, 5], [0, 5]])
    assert split_best(scores, tokens, 10).tolist() == [0, 1, 1]


def test_realised_tokens_may_differ_coincide_and_fall():
    scores = np.array([[0.1, 0.5, 0.6], [0.1, 0.5, 0.6]])
    tokens = np.array([[4, 4, 60], [4, 30, 10]])
    assert split_best(scores, tokens, 20).tolist() == [1, 2]
    assert split_evenly(tokens, 40).tolist() == [1, 2]  # rung 1 takes 34, and 10 is less than 30
    assert split_evenly(np.array([[5, 2], [2, 5]]), 4).tolist() == [1, 0]  # no rung fits for both


def test_equal_images_are_served_from_the_first_on():
    scores, tokens = np.tile([0.2, 0.8], (4, 1)), np.tile([1, 9], (4, 1))
    assert split_best(scores, tokens, 20).tolist() == [1, 1, 0, 0]
    assert split_evenly(tokens, 20).tolist() == [1, 1, 0, 0]


def test_sums_that_only_rounding_tells_apart_are_ties():
    scores = np.array([[0.1, 0.1], [0.2, 0.2], [0.0, 0.3]])
    tokens = np.array([[1, 2], [1, 2], [1, 9]])
    assert split_best(scores, tokens, 100).tolist() == [0, 0, 1]
    assert split_best(scores * 1000, tokens, 100).tolist() == [0, 0, 1]


@pytest.mark.parametrize("split", [split_evenly, lambda t, n: split_best(np.ones(t.shape), t, n)])
def test_a_total_below_the_cheapest_is_refused(split):
    tokens = np.array([LADDER] * 8) * 300
    line = "2,399 visual tokens is too small: the 8 images of the prompt take 2,400"
    with pytest.raises(ValueError, match=line):
        split(tokens, 2399)
    assert split(tokens, 2400).tolist() == [0] * 8
    refuse_too_small(tokens, 2400)


@pytest.mark.parametrize(
    ("scores", "tokens", "match"),
    [
        ([[0.1, np.nan]], [[1, 2]], "finite"),
        ([[0.1, 0.2]], [[1, 2, 3]], r"shape \[n, k\], got \(1, 2\), \(1, 3\)"),
        ([0.1, 0.2], [1, 2], "shape"),
    ],
)
def test_what_is_no_table_is_refused(scores, tokens, match):
    with pytest.raises(ValueError, match=match):
        split_best(np.array(scores), np.array(tokens), 9)


@pytest.mark.parametrize("num_images", [8, 64])
def test_long_prompts_are_split_in_no_time(num_images):
    rng = np.random.default_rng(num_images)
    scores = np.sort(rng.random((num_images, 5)), axis=1)
    tokens = rng.integers(1, 6, (num_images, 1)) * np.array(LADDER)
    total = int(tokens[:, 2:4].sum() / 2)
    start = time.perf_counter()
    rungs = split_best(scores, tokens, total)
    assert time.perf_counter() - start < 2.0  # some 10 ms where nothing else runs
    rows = np.arange(num_images)
    assert tokens[rows, rungs].sum() <= total
    assert scores[rows, rungs].sum() >= scores[rows, split_evenly(tokens, total)].sum()
