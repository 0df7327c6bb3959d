from itertools import pairwise, product

import numpy as np
import pytest

from oracle.curves import Curves
from oracle.labels import (
    agrees_with_full,
    expected,
    first_correct,
    label,
    parse_rule,
    rule_word,
    stable,
    within_tolerance,
)

EVERY_PATTERN = np.array(list(product([0.0, 1.0], repeat=4)))


def curves_of(scores, answers=None):
    n, k = scores.shape
    return Curves(
        sample_ids=[f"s{i}" for i in range(n)],
        groups=["all"] * n,
        scales=tuple(range(1, k + 1)),
        scores=scores,
        answers=np.full((n, k), "x") if answers is None else answers,
        confidence=np.zeros((n, k)),
        flops=np.ones((n, k)),
        seconds=np.ones((n, k)),
        num_visual_tokens=np.ones((n, k)),
        prompt_tokens=np.ones((n, k)),
    )


def rungs_by_reading(row):
    """First right rung, and first rung with nothing but right ones after it, by plain search."""
    right = [score == 1 for score in row]
    first = next((i for i in range(4) if right[i]), -1)
    steady = next((i for i in range(4) if all(right[i:])), -1)
    return first, steady


def test_both_correctness_rules_agree_with_a_plain_search_on_every_pattern():
    found = list(zip(first_correct(EVERY_PATTERN), stable(EVERY_PATTERN), strict=True))
    assert found == [rungs_by_reading(row) for row in EVERY_PATTERN]


def test_stable_never_asks_for_less_than_first_correct():
    scores = np.random.default_rng(0).random((500, 5))
    steady, first = stable(scores), first_correct(scores)
    assert (steady[steady >= 0] >= first[steady >= 0]).all()
    assert (first[steady >= 0] >= 0).all()


def test_stable_is_unsolved_exactly_where_the_full_scale_is_wrong():
    scores = np.random.default_rng(1).random((500, 5))
    assert ((stable(scores) == -1) == (scores[:, -1] < 0.5)).all()


@pytest.mark.parametrize(
    ("scores", "tolerance", "rung"),
    [
        ([0.0, 1.0, 1.0], 0.0, 1),
        ([0.5, 0.9, 1.0], 0.1, 1),
        ([1.0, 0.0, 1.0], 0.0, 0),
        ([0.0, 0.3, 0.4], 0.4, -1),  # its best is below the threshold
        ([0.0, 0.0, 0.0], 1.0, -1),
    ],
)
def test_first_rung_within_tolerance_of_the_best_wins(scores, tolerance, rung):
    assert within_tolerance(np.array([scores]), tolerance).tolist() == [rung]


def test_more_tolerance_never_costs_more_tokens():
    scores = np.random.default_rng(0).random((200, 5))
    rungs = [within_tolerance(scores, t) for t in (0.0, 0.1, 0.3, 1.0)]
    assert all((a >= b).all() for a, b in pairwise(rungs))


def test_no_tolerance_on_right_or_wrong_scores_is_first_correct():
    np.testing.assert_array_equal(
        within_tolerance(EVERY_PATTERN, 0.0), first_correct(EVERY_PATTERN)
    )


def test_agreement_must_hold_at_every_larger_scale_and_ignores_spelling():
    answers = np.array(
        [
            ["red", "blue", "red"],  # agrees at first, but not in between
            ["The red.", "RED", "red"],
            ["one", "two", "3"],
        ]
    )
    assert agrees_with_full(answers).tolist() == [2, 0, 2]


def test_agreement_knows_nothing_of_scores():
    answers = np.array([["no", "yes", "yes"]])
    wrong = label(curves_of(np.zeros((1, 3)), answers), "agrees_with_full", "drop")
    assert wrong.rungs.tolist() == [1]
    assert wrong.solved.all()


@pytest.mark.parametrize(("unsolved", "stand_in"), [("cheapest", 0), ("full", 3), ("drop", -1)])
@pytest.mark.parametrize("rule", ["first_correct", "stable", "within_tolerance"])
def test_only_unsolved_samples_feel_the_rule_for_unsolved_samples(rule, unsolved, stand_in):
    labels = label(curves_of(EVERY_PATTERN), rule, unsolved)
    other = label(curves_of(EVERY_PATTERN), rule, "cheapest")
    np.testing.assert_array_equal(labels.rungs[labels.solved], other.rungs[other.solved])
    assert (labels.rungs[~labels.solved] == stand_in).all()
    assert (labels.kept == (labels.solved | (unsolved != "drop"))).all()
    assert (labels.rule, labels.unsolved) == (rule, unsolved)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"rule": "best"}, "'best'; legal are first_correct, stable"),
        ({"unsolved": "free"}, "'free'; legal are cheapest, full, drop"),
        ({"rule": "within_tolerance", "tolerance": -0.1}, "at least 0, got -0.1"),
        ({"threshold": float("nan")}, r"threshold must be in \[0, 1\], got nan"),
        ({"threshold": 50}, r"threshold must be in \[0, 1\], got 50"),
    ],
)
def test_unknown_rules_are_refused_with_the_legal_ones(kwargs, match):
    with pytest.raises(ValueError, match=match):
        label(curves_of(EVERY_PATTERN), **kwargs)


def test_nan_scores_are_refused():
    with pytest.raises(ValueError, match="without NaN"):
        first_correct(np.array([[np.nan, 1.0]]))


@pytest.mark.parametrize(
    ("scores", "rung"),
    [
        ([0.2, 0.75, 0.75], 1),  # a tie goes to the cheapest
        ([0.1 + 0.2, 0.3, 0.3], 0),  # equal means, summed in another order
        ([0.3, 0.1 + 0.2, 0.3], 0),
        ([0.0, 0.0, 0.0], -1),
        ([0.0, 0.0, 0.01], 2),  # no threshold: any hope counts
        ([1.0, 0.0, 1.0], 0),
    ],
)
def test_expected_takes_the_best_mean_score(scores, rung):
    assert expected(np.array([scores])).tolist() == [rung]


def test_on_single_answers_expected_is_first_correct():
    np.testing.assert_array_equal(expected(EVERY_PATTERN), first_correct(EVERY_PATTERN))


@pytest.mark.parametrize("rule", [first_correct, stable, within_tolerance, expected])
def test_every_rule_on_scores_refuses_nan_and_what_is_no_table(rule):
    for bad in (np.array([[np.nan, 1.0]]), np.ones(3), np.ones((2, 0))):
        with pytest.raises(ValueError, match="must be a 2-D array without NaN"):
            rule(bad)


@pytest.mark.parametrize(
    ("scores", "first", "steady"),
    [
        ([0.5, 0.4, 0.5], 0, 2),  # the threshold itself is right
        ([0.49, 0.49, 0.49], -1, -1),
        ([0.3, 0.6, 0.9], 1, 1),
    ],
)
def test_fractional_scores_are_right_from_the_threshold_on(scores, first, steady):
    assert first_correct(np.array([scores])).tolist() == [first]
    assert stable(np.array([scores])).tolist() == [steady]


def test_no_rung_right_is_unsolved_by_every_rule_on_scores():
    nothing = np.zeros((1, 4))
    for rule in (first_correct, stable, within_tolerance, expected):
        assert rule(nothing).tolist() == [-1]


def test_agreement_of_texts_that_are_all_empty_is_refused_and_of_some_is_not():
    with pytest.raises(ValueError, match="all 4 are empty"):
        agrees_with_full(np.full((2, 2), ""))
    assert agrees_with_full(np.array([["", ""], ["red", ""]])).tolist() == [0, 1]


@pytest.mark.parametrize(
    "word", ["first-correct", "stable", "within:0", "within:0.25", "agrees-with-full", "expected"]
)
def test_a_rule_is_written_as_it_is_read(word):
    assert rule_word(*parse_rule(word)) == word
