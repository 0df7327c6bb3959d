import math

import pytest
from ui_answers import answers, decided

from experiments.ui import words
from experiments.ui.answering import Outcome


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("ring",) * 5, "All 5 scales give the same answer, so the fewest tokens suffice here."),
        (("a", "b", "c", "d", "ring"), "No smaller scale gives the answer of 144 tokens."),
        (
            ("moon", "moon", "ring", "Ring.", "ring"),
            "3 of 5 scales give the answer of 144 tokens, 1 and 4 do not. "
            "From 9 tokens on it stays the same.",
        ),
        (
            ("red", "red", "red", "orange", "red"),
            "4 of 5 scales give the answer of 144 tokens, 36 does not.",
        ),
        (
            ("2", "one", "3", "1", "1"),
            "3 of 5 scales give the answer of 144 tokens, 1 and 9 do not. "
            "From 36 tokens on it stays the same.",
        ),
    ],
)
def test_agreement_is_with_the_largest_scale(texts, said):
    assert words.agreement_words(answers(*texts)) == said


def test_a_single_scale_agrees_with_itself():
    assert words.agreeing(answers("x", scales=(64,))) == [True]


def test_what_is_saved_counts_choosing_and_names_units():
    *_, small, _, full = answers(*"aaaaa")
    tokens, flops, time = words.savings(decided(ms=4.0), small, full)
    assert tokens == ("Visual tokens", "94 % less", "9 instead of 144")
    assert flops == ("FLOPs", "94 % less", "9 instead of 144 GFLOPs")
    # 19 + 4 of 154 ms.
    assert time == ("Time", "85 % less", "23.0 instead of 154.0 ms, 4.0 of it to choose")


def test_the_largest_scale_saves_nothing_and_choosing_costs():
    full = answers(*"aaaaa")[-1]
    tokens, flops, time = words.savings(decided(ms=15.4), full, full)
    assert (tokens.headline, flops.headline) == ("nothing saved", "nothing saved")
    assert time.headline == "10 % more"
    assert "to choose" not in words.savings(decided(ms=0.0), full, full)[2].detail


def test_unknown_flops_are_said_to_be_unknown():
    one, *_, full = answers(*"aaaaa", flops=math.nan)
    assert words.savings(decided(), one, full)[1].headline == "unknown"


@pytest.mark.parametrize(
    ("how", "who"),
    [
        (decided(), "by the policy"),
        (decided(scores=()), "by you"),
        (decided(fallback="outlier"), "as a fallback"),
    ],
)
def test_it_says_who_chose(how, who):
    _, _, nine, _, full = answers(*"aaaaa")
    assert words.chosen_words(how, nine, full) == f"9 of 144 visual tokens, chosen {who}"


def test_why_is_what_moved_the_policy_else_its_arithmetic_else_the_user():
    assert words.why_words(decided(), "36 tokens rather than 9") == "36 tokens rather than 9."
    assert words.why_words(decided(reason="highest score")) == "Highest score."
    assert words.why_words(decided(scores=())).startswith("The slider fixes")


def test_an_outcome_is_about_its_own_picture_and_question_only():
    outcome = Outcome("a.png", "What?", ())
    assert outcome.is_about("a.png", "  What? ")
    assert not outcome.is_about("b.png", "What?")
    assert not outcome.is_about("a.png", "Why?")
    assert not outcome.is_about(None, "What?")
