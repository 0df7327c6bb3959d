import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.choice import choice, committed, extract_choice

ANIMALS = ("a cat", "a dog", "a bird", "None of the above")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is C (see the BAR chart)", "B"),
        ("The answer is C (see the BAR chart)", "A"),
        ("A dog is shown, so D", "A"),
        ("A dog is shown, so D", "D"),
        ("The answer is a dog", "A"),
        ("The answer is a (small) dog", "A"),
        ("The answer is A (small) dog", "A"),
        ("The answer is a - well - dog", "A"),
        ("I think it is the left one", "I"),
        ("Answer: A or B", "A"),
        ("Answer: A, B", "A"),
        ("Answer: A and B", "A"),
        ("Answer: A/B", "A"),
        ("Answer: A & B", "B"),
        ("The answer is (A) or (B)", "A"),
        ("The answer is a, b, or c", "A"),
        ("the answer is b or a", "B"),
        ("The answer is C (or D)", "C"),
        ("The answer is C, maybe D", "C"),
        ("The answer is C, or possibly (D)", "C"),
        ("C. Or maybe D", "C"),
        ("The answer is A, B and C.", "A"),
        ("A, B", "A"),
        ("A B", "A"),
        ("AB", "A"),
        ("A or B", "A"),
        ("A. B", "A"),
        ("A. or B.", "A"),
        ("A) or B)", "A"),
        ("(A) and (B)", "A"),
        ("(A)(B)", "A"),
        ("A. cat\nB. dog\nC. bird", "A"),
        ("A. cat B. dog C. bird", "A"),
        ("(A) cat (B) dog", "A"),
        ("C. No wait, the answer is B.", "B"),
        ("C. No wait, the answer is B.", "C"),
        ("The answer is B. The answer is C.", "B"),
        ("The answer is B. The answer is C.", "C"),
        ("The answer is not C", "C"),
        ("The answer isn't C", "C"),
        ("I don't think the answer is C", "C"),
        ("I doubt that the answer is C.", "C"),
        ("Not sure whether the answer is C.", "C"),
        ("It is false that the answer is C.", "C"),
        ("One option is C", "C"),
        ("Another choice is C.", "C"),
        ("The first option is C.", "C"),
        ("The wrong answer is C", "C"),
        ("Neither A nor B", "A"),
        ("A is wrong", "A"),
        ("A. is wrong", "A"),
        ("A: the dog", "A"),  # "A:" may stand for "answer"
        ("Q: which? A: dog", "A"),
        ("BAD", "B"),
        ("cab", "C"),
        ("b.a.", "B"),
        ("", "A"),
        ("A's", "A"),
        ("a cat", "A"),
        ("A cat", "A"),
        ("Because of D", "D"),
        ("B-2 bomber", "B"),
        ("D.C.", "D"),
        ("U.S.A", "A"),
        ("Vitamin C", "C"),
        ("The choice is Apple", "A"),
        ("None of the above", "A"),
        ("All of the above", "A"),
        ("éA", "A"),
        ("C++", "C"),
        ("C#", "C"),
        ("The answer is C++", "C"),
        ("The answer is C#", "C"),
        ("A+", "A"),
        ("A?", "A"),
        ("°C", "C"),
        ("B12", "B"),
        ("1.A.2", "A"),
        ("It is not true that the answer is\nC", "C"),
        ("the answer is " * 5_000, "I"),
        ("C" * 50_000, "C"),
        ("(" * 50_000, "A"),
    ],
)
def test_a_letter_in_passing_is_no_choice(text, letter):
    assert choice(text, [letter]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "C",
        "c",
        "(C)",
        "(c)",
        "[C]",
        "C.",
        "C:",
        "\nC\n",
        " C) ",
        "**C**",
        "C. a dog",
        "C. A dog",
        "(C) a dog",
        "C: a dog",
        "C) a dog",
        "C. Vitamin D.",
        "C. Washington D.C.",
        "C. I think so",
        "Option C",
        "The answer is C",
        "The answer is C (see the BAR chart)",
        "The answer is (C) because of it",
        "the correct option is (c).",
        "Answer: c",
        "ANSWER: C",
        "**Answer:** C",
        "**Answer**: **C**",
        "Final answer: C.",
        "Answer: C, because of the chart",
        "The answer is C, not D",
        "The answer is C, I think",
        "The answer is C, a bird",
        "The answer is C because it is left",
        "The answer is C - a bird",
        "It flies. So the answer is C.",
        "C. The answer is C.",
        "A. cat\nB. dog\nC. bird\nThe answer is C.",
        "Not a dog. The answer is C.",
        "Not a dog. Answer: C",
        "The answer is\nC",
    ],
)
def test_a_clear_choice_counts(text):
    assert choice(text, ["(C)"]) == 1
    assert sum(choice(text, [letter]) for letter in "ABCDEFGH") == 1


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("a dog", "B"),
        ("A dog.", "B"),
        ("DOG", "B"),
        ("The answer is a dog.", "B"),
        ("Answer: A bird", "C"),
        ("b) a dog", "B"),
        ("a: a cat", "A"),
        ("A: a cat", "A"),
        ("None of the above", "D"),
        ("none", ""),
        ("a dog and a cat", ""),
        ("a dog or a bird", ""),
        ("not a dog", ""),
        ("It is not a dog.", ""),
        ("hot dog", ""),
        ("dogs", ""),
        ("a cat, no, a dog", ""),
        ("a doghouse", ""),
        ("C. a dog", ""),  # a letter with another option's words
        ("A. a dog", ""),
        ("A. dog", ""),
        ("A: dog", ""),
        ("(A) a dog", ""),
        ("A (a dog)", ""),
        ("A - a dog", ""),
        ("B (a dog)", "B"),
        ("B - a dog", "B"),
        ("The answer is C: a dog", ""),
        ("The answer is A. A dog", ""),
        ("The answer is A (a dog)", ""),
        ("The answer is B (a dog)", "B"),
        ("The answer is A. A cat", "A"),
        ("The answer is C (see the BAR chart)", "C"),
        ("C. because it flies", "C"),
        ("C. The answer is a dog.", ""),
        ("B. The answer is a dog.", "B"),
        ("E", "E"),  # no such option: never right
    ],
)
def test_an_options_words_count_where_they_are_all_that_is_said(text, letters):
    assert committed(text, ANIMALS) == set(letters)


@pytest.mark.parametrize(
    ("text", "options", "letters"),
    [
        ("red", ("red car", "red"), "B"),  # one option begins with another
        ("red car", ("red", "red car"), "B"),
        ("A", ("C", "B", "A"), "A"),  # a lone letter is the letter
        ("The answer is A", ("C", "B", "A"), "A"),
        ("A. Lincoln", ("B. Obama", "A. Lincoln"), "B"),
        ("A. Lincoln", ("Obama", "a Lincoln"), ""),
        ("A. Lincoln", ("A. Lincoln", "B. Obama"), "A"),
        ("B", ("Plan B", "Plan A"), "B"),
        ("Plan B", ("Plan B", "Plan A"), "A"),
        ("Vitamin C", ("Vitamin A", "Vitamin C", "Vitamin B"), "B"),
        ("12", ("120", "12"), "B"),
        ("12", ("120", "1,2"), ""),
        ("-5", ("5", "-5"), "B"),
        ("both", ("A", "B", "Both"), "C"),
        ("Both A and B", ("cat", "dog", "Both A and B"), "C"),
        ("the", ("a", "the"), "B"),
        ("", ("", "x"), ""),
    ],
)
def test_options_that_hold_each_others_letters_and_words(text, options, letters):
    assert committed(text, options) == set(letters)


def test_equal_options_are_right_only_together():
    options = ("cat", "dog", "Cat.")
    assert choice("cat", ["cat"], options) == 1
    assert choice("cat", ["A"], options) == 0
    assert choice("A", ["A"], options) == choice("C", ["cat"], options) == 1


def test_the_words_of_an_option_may_be_the_reference():
    assert choice("B", ["a dog"], ANIMALS) == choice("a dog", ["A dog."], ANIMALS) == 1
    assert choice("B", ["B. a dog"], ANIMALS) == 1
    assert choice("A", ["a dog"], ANIMALS) == 0


@pytest.mark.parametrize(
    ("answer", "options", "legal"),
    [
        ("dog", (), "A to Z"),
        ("E", ANIMALS, "A to D or"),
        ("a fish", ANIMALS, "A to D or"),
        ("C++", (), "A to Z"),
        ("B. a cat", ANIMALS, "A to D or"),
    ],
)
def test_choice_refuses_answers_that_are_no_option(answer, options, legal):
    with pytest.raises(ValueError, match=rf"option letters {legal}.*, got '{re.escape(answer)}'"):
        choice("C", [answer], options)


WORDS = [
    "A",
    "B",
    "(C)",
    "a",
    "the answer is",
    "Answer:",
    "or",
    "and",
    ",",
    ".",
    "dog",
    "\n",
    "not",
]


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_no_text_is_two_choices(words):
    text = " ".join(words)
    assert sum(choice(text, [letter]) for letter in "ABC") <= 1
    letter = extract_choice(text)
    assert letter is None or letter.lower() in text.lower()
