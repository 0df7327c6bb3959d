import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.scoring import SCORERS, agreement, exact, get_scorer, score_batch


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("red", "blue"),
        ("a red car", "red"),  # containing the answer is not giving it
        ("red", "a red car"),
        ("red or blue", "red"),
        ("red, blue", "red"),
        ("not red", "red"),
        ("12", "120"),
        ("120", "12"),
        ("12", "1"),
        ("1 2", "12"),
        ("1,2", "12"),
        ("1/2", "12"),
        ("1/2", "1, 2"),
        ("3-5", "35"),
        ("3-5", "3"),
        ("3.5", "35"),
        ("3.5", "3"),
        ("-5", "5"),
        ("−5", "5"),  # noqa: RUF001
        ("1,200", "1.200"),
        ("1.2.3", "123"),
        ("50", "50%"),
        ("5 cm", "5"),
        ("5 cm", "5 m"),
        ("$5", "5"),
        ("$5", "€5"),
        ("10²", "102"),
        ("1e3", "1000"),
        ("10:30", "1030"),
        ("10:30", "10"),
        ("yes, it is", "yes"),
        ("yes and no", "yes"),
        ("a", "the"),  # both are articles, and both would vanish
        ("an a", "the"),
        ("", "a"),
        ("", ""),
        (" ", ""),
        ("?", "!"),
        ("none", "no"),
        ("none", "0"),
        ("None of the above", "none"),
        ("twenty one", "20"),
        ("twenty one", "21"),
        ("we'll", "well"),
        ("it's", "its"),
        ("dog's", "dogs"),
        ("redred", "red"),
        ("red" * 10_000, "red"),
    ],
)
def test_wrong_answers_are_not_exact(text, right):
    assert exact(text, [right]) == 0
    assert exact(right, [text]) == 0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Red.", "red"),
        ("the RED  car", "a red car"),
        ("twelve", "12"),
        ("1,200", "1200"),
        ("t-shirt", "T shirt"),
        ("don't", "dont"),
        ("don’t", "dont"),  # noqa: RUF001
        ("10:30", "10:30."),
        ("A", "a"),
        ("7", "seven."),
        ("１２", "12"),  # noqa: RUF001
        ("$5", "$5"),
        ('"stop"', "STOP"),
        ("**red**", "red"),
    ],
)
def test_spelling_does_not_make_an_answer_wrong(text, right):
    assert exact(text, ["something else", right]) == 1
    assert exact(right, [text]) == 1


@given(st.text().filter(lambda text: text.strip()), st.text())
def test_exact_knows_its_own_reference_and_does_not_care_who_is_first(text, other):
    assert exact(text, [other, text]) == 1
    assert exact(text, [other]) == exact(other, [text])


@pytest.mark.parametrize("name", sorted(set(SCORERS) - {"yes_no", "agreement"}))
def test_every_scorer_stays_between_0_and_1_and_rewards_the_truth(name):
    scorer = get_scorer(name)
    truth = ["C"] * 10
    assert scorer("C", truth) == 1
    assert scorer("D", truth) == 0
    texts = ["", " ", "C C", "0", "\N{SNOWMAN}", "C" * 200, "nan", "1e999", "()" * 20_000]
    assert all(0 <= scorer(text, truth) <= 1 for text in texts)
    assert scorer("", truth) == 0


@pytest.mark.parametrize("name", sorted(set(SCORERS) - {"agreement"}))
@given(text=st.text(st.sampled_from("aAbBcC yesno015.,%-()eE:/\n\u0660²"), max_size=25))
def test_no_text_breaks_a_scorer(name, text):
    truth = ["yes"] * 10 if name == "yes_no" else ["C"] * 10
    assert 0 <= get_scorer(name)(text, truth) <= 1


def test_agreement_is_with_one_answer_and_empty_texts_agree():
    assert agreement("", [""]) == agreement("The red.", ["RED"]) == 1
    assert agreement("", ["red"]) == agreement("12", ["120"]) == 0
    with pytest.raises(ValueError, match="with one answer, got 2"):
        agreement("red", ["red", "blue"])


def test_an_unknown_scorer_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'bleu'; legal are exact, vqa_soft, .*module:function"):
        get_scorer("bleu")


def test_a_batch_is_scored_row_by_row_with_the_options_of_each():
    batch = {
        "question": ["Which?\nA. cat\nB. dog", "Which?"],
        "answers": [["B"], ["A"]],
        "options": [None, ["dog", "cat"]],
    }
    assert score_batch(get_scorer("choice"), ["dog", "dog"], batch) == [1, 1]
    assert score_batch(get_scorer("exact"), ["dog", "A"], batch) == [0, 1]
