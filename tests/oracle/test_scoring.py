from itertools import pairwise

import numpy as np
import pytest

from oracle.normalise import normalise
from oracle.scoring import SCORERS, anls, choice, exact, get_scorer, relaxed, vqa_soft


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("red", "blue"),
        ("a red car", "red"),  # containing the answer is not giving it
        ("red or blue", "red"),
        ("3.5", "35"),
        ("-5", "5"),
        ("1,200", "1.200"),
        ("12", "1"),
        ("50", "50%"),
        ("yes, it is", "yes"),
        ("a", "the"),  # both are articles, and both would vanish
        ("", "a"),
        ("", ""),
        ("?", "!"),
        ("none", "no"),
        ("twenty one", "20"),
    ],
)
def test_wrong_answers_are_not_exact(text, right):
    assert exact(text, [right]) == 0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Red.", "red"),
        ("the RED  car", "a red car"),
        ("twelve", "12"),
        ("1,200", "1200"),
        ("t-shirt", "T shirt"),
        ("don't", "dont"),
        ("10:30", "10:30."),
        ("A", "a"),
        ("7", "seven."),
        ("$5", "$5"),
    ],
)
def test_spelling_does_not_make_an_answer_wrong(text, right):
    assert exact(text, ["something else", right]) == 1
    assert exact(right, [text]) == 1


def test_normalising_twice_changes_nothing():
    rng = np.random.default_rng(0)
    letters = list("aA tT1234567890.,:;-'\"?!%$ theone")
    for _ in range(2000):
        once = normalise("".join(rng.choice(letters, size=rng.integers(0, 15))))
        assert normalise(once) == once


def official_vqa(count, annotators=10):
    """The official formula by hand: how many others agree, for each annotator left out."""
    agreeing = min(max(count - 1, 0) / 3, 1) * count
    others = min(count / 3, 1) * (annotators - count)
    return (agreeing + others) / annotators


@pytest.mark.parametrize("count", range(11))
def test_vqa_soft_is_the_leave_one_out_mean(count):
    answers = ["red"] * count + [f"other {i}" for i in range(10 - count)]
    assert vqa_soft("Red", answers) == pytest.approx(official_vqa(count))


def test_known_values_of_vqa_soft():
    values = [round(official_vqa(count), 3) for count in range(5)]
    assert values == [0.0, 0.3, 0.6, 0.9, 1.0]


def test_vqa_soft_needs_annotators():
    with pytest.raises(ValueError, match="at least 4 annotators, got 1; use 'exact'"):
        vqa_soft("red", ["red"])


@pytest.mark.parametrize(
    ("text", "right", "score"),
    [
        ("", "hello", 0.0),
        ("xyz", "hello", 0.0),
        ("ab", "cb", 0.0),  # half wrong is the threshold: 0
        ("abc", "abd", 2 / 3),
        ("HELLO  World", "hello world", 1.0),
        ("hello", "hell", 0.8),
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


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("106", "100"),
        ("94.9", "100"),
        ("-100", "100"),
        ("1", "0"),
        ("50", "50%"),
        ("100 dogs", "100"),
        ("1,2", "12"),
        ("nan", "1"),
        ("inf", "1"),
        ("1_0", "10"),
        ("", ""),
        ("%", "0"),
        ("red", "blue"),
    ],
)
def test_wrong_answers_are_not_relaxed_matches(text, right):
    assert relaxed(text, [right]) == 0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("105", "100"),
        ("0.95", "1"),
        ("-95", "-100"),
        ("0.5", "50%"),
        ("1,000", "1020"),
        (".5", "0.5"),
        ("Asia", "asia "),
        ("0.0", "0"),
    ],
)
def test_five_percent_off_is_a_relaxed_match(text, right):
    assert relaxed(text, ["x", right]) == 1


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is C (see the BAR chart)", "B"),
        ("The answer is C (see the BAR chart)", "A"),
        ("A dog is shown, so D", "A"),
        ("The answer is a dog", "A"),
        ("I think it is the left one", "I"),
        ("Answer: A or B", "A"),
        ("A, B", "A"),
        ("C. No wait, the answer is B.", "B"),
        ("The answer is B. The answer is C.", "B"),
        ("The answer is not C", "C"),
        ("BAD", "B"),
        ("", "A"),
        ("a cat", "A"),
        ("A cat", "A"),
        ("Because of D", "D"),
        ("B-2 bomber", "B"),
        ("The choice is Apple", "A"),
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
        "C.",
        " C) ",
        "**C**",
        "C. a dog",
        "(C) a dog",
        "C: a dog",
        "The answer is C",
        "The answer is C (see the BAR chart)",
        "the correct option is (c).",
        "Answer: C, because of the chart",
        "The answer is C because it is left",
        "C. The answer is C.",
    ],
)
def test_a_clear_choice_counts(text):
    assert choice(text, ["(C)"]) == 1
    assert sum(choice(text, [letter]) for letter in "ABCDEFGH") == 1


def test_choice_refuses_answers_that_are_no_letters():
    with pytest.raises(ValueError, match="option letters A to Z as answers, got 'dog'"):
        choice("C", ["dog"])


@pytest.mark.parametrize("name", SCORERS)
def test_every_scorer_stays_between_0_and_1_and_rewards_the_truth(name):
    scorer = get_scorer(name)
    truth = ["C"] * 10
    assert scorer("C", truth) == 1
    assert scorer("D", truth) == 0
    texts = ["", " ", "C C", "0", "\N{SNOWMAN}", "C" * 200]
    assert all(0 <= scorer(text, truth) <= 1 for text in texts)


def test_an_unknown_scorer_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="'bleu'; legal are exact, vqa_soft, anls"):
        get_scorer("bleu")
