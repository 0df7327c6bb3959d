import pytest

from oracle.options import options_of, read_options, takes_options
from oracle.scoring import choice, exact


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("What is it?\nA. a cat\nB. a dog", ("a cat", "a dog")),
        ("What is it?\nA) cat\nB) dog\nC) bird\nAnswer with the letter.", ("cat", "dog", "bird")),
        ("(A) cat\n(B) dog", ("cat", "dog")),
        ("[A] cat\n[B] dog", ("cat", "dog")),
        ("  A:  cat  \n  B:  dog  ", ("cat", "dog")),
        ("Where? (A) to the left (B) right\nThink.", ("to the left", "right")),
        ("A. Lincoln wrote this.\nWho?\nA. him\nB. her", ("him", "her")),
        ("What is it?\nA. cat\nC. dog", ()),
        ("What is it?\nB. cat\nC. dog", ()),
        ("What is it?\nA. cat", ()),
        ("Is A. Lincoln shown, or B. Obama?", ()),
        ("", ()),
        ("A. B\nB. C\nC. A", ("B", "C", "A")),
        ("A.\nB.", ()),
    ],
)
def test_options_are_read_from_the_question(question, options):
    assert read_options(question) == options


def test_the_column_wins_over_the_question_and_loses_its_letters():
    question = "Which?\nA. x\nB. y"
    batch = {
        "question": [question] * 5,
        "options": [["cat", "dog"], ["A. cat", "(B) dog"], None, [], ["A. cat", "dog"]],
    }
    assert options_of(batch) == [
        ("cat", "dog"),
        ("cat", "dog"),
        ("x", "y"),
        ("x", "y"),
        ("A. cat", "dog"),
    ]
    assert options_of({"question": [question]}) == [("x", "y")]


@pytest.mark.parametrize("options", ["['cat', 'dog']", [1, 2], ["x"] * 27, {"A": "cat"}])
def test_options_that_are_no_texts_are_refused(options):
    with pytest.raises(ValueError, match="must be a list of at most 26 texts, got"):
        options_of({"question": ["Which?"], "options": [options]})


def test_only_scorers_that_name_options_take_them():
    assert takes_options(choice)
    assert not takes_options(exact)
    assert not takes_options(max)  # has no signature
