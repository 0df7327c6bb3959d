import math
import re
from html.parser import HTMLParser

import pytest
from ui_answers import answers, decided

from experiments.ui import guide, parts
from experiments.ui.looking import Look, Looks

NASTY = '<script>alert("1")</script>'
VOID = {"img", "br", "meta", "link"}


class Checked(HTMLParser):
    """Refuses HTML whose tags do not close in order; keeps tags, attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def every_part(text):
    nasty = answers(*[text] * 5)
    yield parts.problem(text)
    yield parts.card(decided(), nasty[2], nasty, text)
    yield parts.card(decided(reason=text), nasty[2])
    yield parts.table(nasty, 9, (0.1,) * 5)
    yield parts.maps(Looks((Look(9, text, "data:,", text),)), 9)
    yield parts.maps(Looks(missing=text), 9)
    yield parts.note(text)
    yield guide.title(text, (1, 4))


def test_no_text_of_a_user_or_a_model_becomes_markup():
    for html in every_part(NASTY):
        found = Checked(html)
        assert found.named("script") == []
        assert NASTY in found.text


def test_the_slider_has_a_label_per_place_and_marks_its_own():
    found = Checked(parts.ticks((1, 4, 144), 2))
    assert found.text == "auto14144"
    assert [each["class"].split() for each in found.named("span")] == [
        ["tick"],
        ["tick"],
        ["tick", "here"],
        ["tick"],
    ]
    assert [each["style"] for each in found.named("span")][::3] == ["--at: 0.0", "--at: 1.0"]


def test_the_table_has_a_row_per_scale_in_one_unit_and_marks_the_chosen():
    known = answers("moon", "moon", "ring", "ring", "ring")
    rows, unit = parts.rows_of(known, 9, (0.1, 0.2, 0.3, 0.4, 0.5))
    assert unit == "GFLOPs"
    assert [row.flops for row in rows] == ["1", "4", "9", "36", "144"]
    assert [row.is_same for row in rows] == [False, False, True, True, True]
    assert [row.is_chosen for row in rows] == [False, False, True, False, False]
    assert [row.expected for row in rows] == [0.1, 0.2, 0.3, 0.4, 0.5]
    html = Checked(parts.table(known, 9, (0.1, 0.2, 0.3, 0.4, 0.5)))
    assert [attrs.get("aria-current") for attrs in html.named("tr")].count("true") == 1
    assert html.text.count("same") == 3
    assert html.text.count("differs") == 2


def test_without_a_policy_nothing_is_expected_and_unknown_flops_stay_unknown():
    rows, _ = parts.rows_of(answers(*"aaaaa", flops=math.nan), 1)
    assert {row.expected for row in rows} == {None}
    assert {row.flops for row in rows} == {"unknown"}


def test_tokens_that_differ_from_the_scale_are_shown_beside_it():
    odd = [each._replace(num_visual_tokens=each.scale + 1) for each in answers(*"aaaaa")]
    assert [row.tokens for row in parts.rows_of(odd, 1)[0]][-1] == "145 (scale 144)"


def test_an_empty_answer_is_said_to_be_empty():
    empty = answers("", "", "", "", "")
    assert Checked(parts.table(empty, 1)).text.count("(no text)") == 5
    assert "(no text)" in parts.card(decided(), empty[2], empty)


def test_the_card_says_that_other_scales_are_still_asked():
    known = answers(*"aaaaa")
    assert "Asking the other scales" in parts.card(decided(), known[2])
    assert "Asking the other scales" not in parts.card(decided(), known[2], known)


def test_no_problem_is_no_markup():
    assert parts.problem("") == ""


@pytest.mark.parametrize(
    ("named", "default", "wanted"),
    [
        ({}, 0.0, (1.0, 0.0)),
        ({"no-loss": 0.026}, 0.026, (1.0, 0.03)),
        ({"no-loss": 0.0, "aggressive": 4.0}, 0.0, (5.0, 0.0)),
    ],
)
def test_the_price_slider_reaches_every_named_price(named, default, wanted):
    assert guide.prices(named, default)[:2] == wanted


def test_colours_are_told_apart_by_signs_too():
    html = parts.table(answers("a", "b", "a", "b", "a"), 1)
    marks = re.findall(r'class="(same|other)">\s*(.)', html)
    assert set(marks) == {("same", "✓"), ("other", "✗")}
