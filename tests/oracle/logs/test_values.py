import math

import pytest

from budget.errors import DataError
from oracle.logs.values import field_of, most_likely, references_of, score_of, share_of


@pytest.mark.parametrize(
    ("value", "score"),
    [(True, 1.0), (0, 0.0), ("1", 1.0), (" True ", 1.0), ("false", 0.0), ("0.25", 0.25)],
)
def test_scores_come_as_numbers_truths_and_texts(value, score):
    assert score_of(value) == score


@pytest.mark.parametrize("value", [None, float("nan"), "", "NaN", "None"])
def test_a_missing_score_is_not_a_zero(value):
    assert math.isnan(score_of(value))


@pytest.mark.parametrize("value", ["red", "1 of 2", [1.0], {"score": 1}])
def test_what_is_no_score_is_none(value):
    assert score_of(value) is None


@pytest.mark.parametrize("score", [-0.5, 1.5, math.inf])
def test_a_score_out_of_range_is_refused_with_the_way_out(score):
    with pytest.raises(DataError, match=r"log, line 3: .* in \[0, 1\], got .*--max-score"):
        share_of(score, 1.0, "log, line 3")


def test_a_score_is_a_share_of_the_best_one():
    assert share_of(25.0, 100.0, "x") == 0.25
    assert math.isnan(share_of(math.nan, 100.0, "x"))


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        (["a", "b"], ("a", "b")),
        (str(["it's", 'a "b"']), ("it's", 'a "b"')),
        ('["a", "b"]', ("a", "b")),
        ("['a' 'b']", ("['a' 'b']",)),  # how numpy writes two texts; Python reads one
        ("[illegible]", ("[illegible]",)),
        ("", ()),
        (None, ()),
        (7, ("7",)),
    ],
)
def test_right_answers_come_as_lists_and_as_lists_written_down(value, answers):
    assert references_of(value) == answers


def test_the_most_likely_choice_is_found_in_texts_and_numbers():
    assert most_likely([["-3.0", "False"], ["-1.0", "False"], ["-2.0", "False"]]) == 1
    assert most_likely([[-1.0, True], [-3.0, False]]) == 0
    assert most_likely([["a", "b"]]) is None
    assert most_likely("text") is None


def test_a_field_may_stand_in_an_object_of_the_record():
    record = {"doc_id": 1, "average": {"l2_category": "charts"}}
    assert field_of(record, "l2_category", "x") == "charts"
    with pytest.raises(DataError, match="no field 'kind'; there are doc_id, average, l2_category"):
        field_of(record, "kind", "x")
