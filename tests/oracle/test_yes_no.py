import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.yes_no import extract_yes_no, yes_no


@pytest.mark.parametrize(
    "text",
    [
        "yes and no",
        "yes or no",
        "Yes/No",
        "yes, no",
        "No, yes",
        "Yes. No.",
        "Yes, but no",
        "The answer is yes and no",
        "yes? no",
        "",
        " ",
        "?",
        "maybe",
        "I cannot tell",
        "not yes",
        "No idea",
        "No one is there",
        "No-one",
        "Nobody",
        "No. 5",
        "No.5",
        "None",
        "nothing",
        "Yesterday",
        "There is no doubt",
        "A dog is shown",
        "I would say so",
        "Is it yes?",
        "yes no",
        "y",
        "n",
        "true",
        "1",
        "The answer is not yes",
        "The answer is notable",
        "The answer is no dog",
    ],
)
def test_what_does_not_commit_is_neither(text):
    assert extract_yes_no(text) is None
    assert yes_no(text, ["yes"]) == yes_no(text, ["no"]) == 0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("yes", "yes"),
        (" Yes.", "yes"),
        ("NO!", "no"),
        ("No", "no"),
        ("**Yes**", "yes"),
        ('"no"', "no"),
        ("Yes, there is a dog.", "yes"),
        ("Yes there is", "yes"),
        ("Yes, there is no dog", "yes"),
        ("No, there is no dog", "no"),
        ("no it is not", "no"),
        ("No. It is a cat.", "no"),
        ("No - it is a cat", "no"),
        ("The answer is yes.", "yes"),
        ("Answer: no", "no"),
        ("The correct answer is: **No**", "no"),
        ("No\nThe dog sleeps.", "no"),
    ],
)
def test_what_commits_is_one_of_them(text, word):
    other = {"yes": "no", "no": "yes"}[word]
    assert yes_no(text, [word.title()]) == 1
    assert yes_no(text, [other]) == 0


@pytest.mark.parametrize("answer", ["maybe", "", "yes and no", "1"])
def test_an_answer_that_is_neither_is_refused(answer):
    with pytest.raises(ValueError, match=f"yes or no as answers, got '{answer}'"):
        yes_no("yes", [answer])


@given(st.lists(st.sampled_from(["yes", "no", "not", "the answer is", ",", ".", "it"]), max_size=8))
def test_no_text_is_both(words):
    text = " ".join(words)
    assert yes_no(text, ["yes"]) + yes_no(text, ["no"]) <= 1
