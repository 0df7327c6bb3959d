import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.relaxed import read_number, relaxed, relaxed_years


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("106", "100"),
        ("94.9", "100"),
        ("-100", "100"),
        ("12", "120"),
        ("1", "0"),
        ("0.0001", "0"),
        ("-0.1", "0"),
        ("50", "50%"),
        ("0.5", "50"),
        ("5%", "0.5"),
        ("100 dogs", "100"),
        ("$100", "100"),
        ("100 km", "100"),
        ("95-105", "100"),
        ("100 or 200", "100"),
        ("about 100", "100"),
        ("1,2", "12"),
        ("1,00", "100"),
        ("1.000", "1000"),
        ("1e2", "1000"),
        ("e2", "100"),
        ("1e9999999999", "1"),
        ("9" * 100_000, "9"),
        ("10²", "102"),
        ("one hundred", "100"),
        ("nan", "1"),
        ("1", "nan"),
        ("inf", "1"),
        ("-inf", "inf"),
        ("1_0", "10"),
        ("", ""),
        ("", "0"),
        (" ", " "),
        (".", "0"),
        ("-", "0"),
        ("%", "0"),
        ("red", "blue"),
        ("red car", "red"),
        ("Yes", "No"),
    ],
)
def test_wrong_answers_are_not_relaxed_matches(text, right):
    assert relaxed(text, [right]) == 0
    assert relaxed_years(text, [right]) == 0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("105", "100"),
        ("95", "100"),
        ("0.95", "1"),
        ("-95", "-100"),
        ("−95", "-100"),  # noqa: RUF001
        ("0.5", "50%"),
        ("50 %", "0.5"),
        ("1,000", "1020"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("100.", "100"),
        (".5", "0.5"),
        ("+5", "5"),
        ("１００", "100"),  # noqa: RUF001
        ("Asia", "asia "),
        ("0.0", "0"),
        ("-0", "0"),
        ("2018", "2018"),
        ("nan", "NaN"),  # a word like any other
    ],
)
def test_five_percent_off_is_a_relaxed_match(text, right):
    assert relaxed(text, ["x", right]) == 1
    assert relaxed_years(text, ["x", right]) == 1


@pytest.mark.parametrize(
    ("text", "right", "strict"),
    [
        ("2019", "2018", 0),
        ("1950", "2000", 0),
        ("2018.0", "2018", 1),
        ("2,019", "2018", 0),
        ("2019", "2,018", 1),  # written as an amount
        ("2019", "2018.5", 1),
        ("1450", "1499", 1),
        ("2150", "2101", 1),
        ("-2018", "-2000", 1),
    ],
)
def test_a_year_is_a_number_unless_years_are_asked_for(text, right, strict):
    assert relaxed(text, [right]) == 1
    assert relaxed_years(text, [right]) == strict


def test_the_bound_is_of_the_right_value_so_the_order_matters():
    assert (relaxed("95", ["100"]), relaxed("100", ["95"])) == (1, 0)


@given(st.decimals(-(10**9), 10**9, places=3), st.floats(-0.2, 0.2))
def test_a_number_is_right_within_its_five_percent_and_wrong_beyond(right, off):
    given_ = float(right) * (1 + off)
    if abs(abs(off) - 0.05) > 1e-6 and abs(right) > 1:
        assert relaxed(f"{given_:.12f}", [str(right)]) == float(abs(off) < 0.05)


@given(st.text(max_size=20))
def test_any_text_is_right_against_itself_and_never_breaks(text):
    assert relaxed(text, [text]) == float(bool(text.split()))
    assert relaxed_years(text, [text]) == float(bool(text.split()))
    number = read_number(text)
    assert number is None or number.is_finite()
