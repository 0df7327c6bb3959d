import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.vqa import vqa_form, vqa_soft


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


@pytest.mark.parametrize("annotators", range(4, 10))
def test_fewer_annotators_are_left_out_one_by_one_too(annotators):
    answers = ["red"] * 2 + ["blue"] * (annotators - 2)
    assert vqa_soft("red", answers) == pytest.approx(official_vqa(2, annotators))
    assert vqa_soft("red", ["red"] * annotators) == 1


@pytest.mark.parametrize("answers", [[], ["red"], ["red"] * 3])
def test_vqa_soft_needs_annotators(answers):
    with pytest.raises(ValueError, match=f"at least 4 annotators, got {len(answers)}; use 'exact'"):
        vqa_soft("red", answers)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        # Each by hand from the rules of vqaEval.py, what it gives away included.
        ("The red car.", "red car"),
        ("t-shirt", "t shirt"),
        ("t- shirt", "t shirt"),
        ("1,200", "1200"),
        ("1,2", "12"),
        ("1,200 t-shirts", "1200 tshirts"),
        ("-5", "5"),
        ("3.5", "3.5"),
        ("3.", "3"),
        ("10:30", "10:30"),
        ("yes!", "yes"),
        ("red/blue", "red blue"),
        ("none", "0"),
        ("Ten", "10"),
        ("eleven", "eleven"),
        ("an", "an"),  # would vanish
        ("a an", "a an"),
        ("dont", "don't"),
        ("couldnt've", "couldn't've"),
        ("its", "its"),
        ("well", "well"),
        ("dog's", "dog's"),
        ("50%", "50%"),
        ("\n red\tcar ", "red car"),
        ("", ""),
    ],
)
def test_the_normal_form_is_that_of_the_official_evaluation(text, form):
    assert vqa_form(text) == form


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("12", "120"),
        ("red car", "red"),
        ("50", "50%"),
        ("yes and no", "yes"),
        ("", ""),
        ("a", "the"),
    ],
)
def test_wrong_answers_agree_with_nobody(text, right):
    assert vqa_soft(text, [right] * 10) == 0


@given(st.lists(st.sampled_from(["red", "Red.", "blue", "", "2", "two"]), min_size=4, max_size=12))
def test_more_agreement_never_scores_less(answers):
    score = vqa_soft("red", answers)
    assert 0 <= score <= 1
    assert vqa_soft("red", [*answers, "red"]) >= score - 1e-12
