import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.anls import anls


@pytest.mark.parametrize(
    ("text", "right", "score"),
    [
        ("", "hello", 0.0),
        ("", "", 0.0),
        ("xyz", "hello", 0.0),
        ("ab", "cb", 0.0),  # half wrong is the threshold: 0
        ("12", "120", 2 / 3),  # near in letters, as published; numbers want `relaxed`
        ("abc", "abd", 2 / 3),
        ("HELLO  World", "hello world", 1.0),
        ("hello", "hell", 0.8),
        ("cafe\u0301", "caf\u00e9", 1.0),
        ("the hello world of it", "hello", 0.0),
    ],
)
def test_anls(text, right, score):
    assert anls(text, ["qqqqqqqqqq", right]) == pytest.approx(score)
    assert anls(right, [text]) == pytest.approx(score)


def test_anls_falls_as_more_letters_are_wrong():
    scores = [anls("abcdefghij"[:n] + "#" * (10 - n), ["abcdefghij"]) for n in range(11)]
    assert all(a <= b for a, b in pairwise(scores))
    assert scores[5] == 0
    assert scores[6] == pytest.approx(0.6)


def test_a_very_long_text_is_wrong_at_once():
    start = time.perf_counter()
    assert anls("hello " * 100_000, ["hello", "x" * 200_000]) == 0
    assert time.perf_counter() - start < 1


@given(st.text(max_size=12), st.text(max_size=12))
def test_anls_is_symmetric_and_1_on_its_own_reference(a, b):
    assert anls(a, [b]) == anls(b, [a])
    assert 0 <= anls(a, [b]) <= 1
    assert anls(a, [b, a]) == float(bool(a.split()))
