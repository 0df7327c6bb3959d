"""A page stays below its limit, and says what that cost."""

import pytest

from budget.errors import DataError
from experiments.report.chapters import Chapter
from experiments.report.example_words import FOR_SIZE
from experiments.report.section import Section
from experiments.report.sizes import fitting_page

LIMIT = 100_000


def render(chapters, notes):
    return "".join(each.html for one in chapters for each in one.sections) + "".join(notes)


def chapter(html):
    return Chapter("", (Section("s", "s", (), html=html),))


PLAIN = [chapter("x" * 40_000)]


def test_examples_that_keep_to_their_room_stay_and_nothing_is_said():
    asked = []

    def examples(room):
        asked.append(room)
        return [*PLAIN, chapter("y" * room)]

    fitted = fitting_page(PLAIN, examples, render, LIMIT)
    assert fitted.notes == ()
    assert len(fitted.page) <= LIMIT
    assert len(asked) == 1


def test_examples_that_take_more_than_their_room_are_made_smaller_and_it_is_said():
    fitted = fitting_page(PLAIN, lambda room: [*PLAIN, chapter("ü" * room)], render, LIMIT)
    assert len(fitted.page.encode()) <= LIMIT
    assert fitted.notes[0] in fitted.page
    assert "fewer or smaller: the page is kept below 0.1 MB" in fitted.notes[0]
    assert "ü" in fitted.page


def test_examples_that_never_fit_are_left_out_and_it_is_said():
    fitted = fitting_page(PLAIN, lambda room: [*PLAIN, chapter("y" * LIMIT)], render, LIMIT)
    assert fitted.chapters == PLAIN
    assert "Examples were left out" in fitted.page


def test_a_page_too_large_without_any_example_is_refused():
    with pytest.raises(DataError, match=r"0\.2 MB without any example, more than 0\.1 MB"):
        fitting_page([chapter("x" * 200_000)], lambda room: PLAIN, render, LIMIT)


def test_what_examples_leave_out_by_themselves_is_said_on_top():
    word = f"{FOR_SIZE}, pictures are at most 80 pixels a side."
    short = [*PLAIN, Chapter("mine", (Section("s", "s", ("Some.", word)),))]
    fitted = fitting_page(PLAIN, lambda room: short, render, LIMIT)
    assert fitted.notes == (f"mine: {word}",)
    assert fitted.page.endswith(fitted.notes[0])
