import numpy as np
import pytest

from budget.errors import DataError
from policies.answer_features import ANSWER_NAMES, AnswerSigns, answer_features, check_signs


def signs(*texts, confidence=-0.5, margin=0.4, entropy=0.3):
    numbers = (np.full(len(texts), value) for value in (confidence, margin, entropy))
    return AnswerSigns(np.array(texts), *numbers)


def column(name, *texts):
    return answer_features(signs(*texts))[:, ANSWER_NAMES.index(name)].tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("is_yes_no", [1, 1, 0, 0, 0, 0]),
        ("says_yes", [1, 0, 0, 0, 0, 0]),
        ("is_number", [0, 0, 1, 0, 0, 0]),
        ("number", [-1, -1, 12, -1, -1, -1]),
        ("is_colour", [0, 0, 0, 1, 0, 0]),
        ("num_characters", [3, 2, 2, 3, 5, 0]),
    ],
)
def test_kinds_of_answers(name, expected):
    assert column(name, "Yes", " no ", "12", "RED", "reddy", "") == expected


def test_a_long_run_of_digits_is_a_name():
    assert column("is_number", "123456", "1234567") == [1, 0]


def test_what_the_model_did_not_say_is_told_apart_from_any_value():
    found = answer_features(signs("a", margin=np.nan, entropy=np.nan))
    assert found[0, 1:3].tolist() == [-1, -1]
    assert np.isfinite(found).all()


def test_answers_at_a_rung():
    table = AnswerSigns(np.array([["a", "b"]]), *np.arange(6.0).reshape(3, 1, 2))
    assert [each.tolist() for each in table.at(1)] == [["b"], [1.0], [3.0], [5.0]]


def test_unknown_confidence_is_refused():
    good = signs("a", "b")
    assert check_signs(good, "x") is good
    bad = good._replace(confidence=np.array([np.nan, -1.0]))
    with pytest.raises(DataError, match=r"run/a has 1 answers of unknown confidence"):
        check_signs(bad, "run/a")
