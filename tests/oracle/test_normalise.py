import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.normalise import normalise, plain_signs


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("3 - 5", "3 5"),
        ("3-5", "3-5"),
        ("3–5", "3-5"),  # noqa: RUF001
        ("−5", "-5"),  # noqa: RUF001
        ("1/2", "1/2"),
        ("either/or", "either or"),
        ("route-66", "route 66"),
        ("$1,200.50", "$1200.50"),
        ("'red'", "red"),
        ("the dog's", "dog's"),
        ("dont", "don't"),
        ("don’t", "don't"),  # noqa: RUF001
        ("we'll", "we'll"),
        ("well", "well"),
        ("１２", "12"),  # noqa: RUF001
        ("١٢", "12"),
        ("10²", "10²"),
        ("Cafe\u0301", "caf\u00e9"),
        ("STRASSE", "strasse"),
        ("  \n ", ""),
        ("the", "the"),
        ("'", "'"),
    ],
)
def test_the_form_of_difficult_texts(text, form):
    assert normalise(text) == form


def test_normalising_twice_changes_nothing():
    rng = np.random.default_rng(0)
    letters = list("aA tT1234567890.,:;-'\"?!%$/ theone")
    for _ in range(2000):
        once = normalise("".join(rng.choice(letters, size=rng.integers(0, 15))))
        assert normalise(once) == once


@given(st.text())
def test_any_text_has_a_form_without_stray_blanks(text):
    form = normalise(text)
    assert form == " ".join(form.split())
    assert bool(form) == bool(text.split())


@given(st.integers(0, 10**12))
def test_digits_of_any_script_are_the_same_number(number):
    arabic = str(number).translate({ord("0") + i: 0x0660 + i for i in range(10)})
    assert plain_signs(arabic) == str(number)
