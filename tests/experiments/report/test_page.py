"""The page: every text escaped, headers on every table, no address outside of it."""

import re
from base64 import b64decode
from itertools import pairwise

from experiments.report.chapters import Chapter, prefixed
from experiments.report.page import Heading, csv_text, render_page
from experiments.report.section import Column, Picture, Section, Table, Value

HEADING = Heading("Title", "about", (), "made")
BAD = "</script><script>alert('1')</script>\" onload=\"x"


def table(*rows):
    columns = (Column("group", "group"), Column("accuracy", "accuracy, %", 1, 100))
    return Table("numbers", "Some numbers.", columns, rows)


def section(anchor="need", title="How many?", words=("Many.", "More."), **more):
    return Section(anchor, title, words, **more)


def page(*sections, heading=HEADING, title=""):
    return render_page(heading, [Chapter(title, sections)])


def test_first_words_stand_at_the_top_and_all_words_below():
    text = page(section())
    top = text[text.index('id="answers"') : text.index('id="need"')]
    assert "Many." in top
    assert "More." not in top
    assert '<p class="lead">Many.</p>' in text
    assert "<p>More.</p>" in text


def test_a_chapter_not_in_short_is_not_at_the_top():
    chapters = [Chapter("", (section(),)), Chapter("", (section("method", "How?"),), False)]
    text = render_page(HEADING, chapters)
    assert "How?" not in text[text.index('id="answers"') : text.index('id="need"')]
    assert '<section id="method">' in text


def test_headings_go_down_one_level_at_a_time():
    for title in ("", "run one"):
        levels = [int(n) for n in re.findall(r"<h(\d)", page(section(), title=title))]
        assert levels[0] == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_text_is_escaped():
    picture = Picture("p", BAD, BAD, b"png")
    bad = section(
        title=BAD,
        words=(BAD,),
        pictures=(picture,),
        tables=(Table("t", BAD, (Column(BAD, BAD),), ((BAD,),)),),
    )
    text = page(bad, heading=Heading(BAD, BAD, (BAD,), BAD), title=BAD)
    assert "<script>alert" not in text
    assert 'onload="x' not in text
    assert text.count("&lt;script&gt;alert") >= 12


def test_html_of_a_section_is_taken_as_it_is():
    assert "<b id='x'>bold</b>" in page(section(html="<b id='x'>bold</b>"))


def test_a_table_has_a_caption_and_scopes_and_intervals_beside_numbers():
    text = page(section(tables=(table(("a", Value(0.5, 0.4, 0.6)), ("b", None)),)))
    assert text.count('scope="col"') == 2
    assert text.count('scope="row"') == 2
    assert '<td class="number">50.0 <span class="interval">40.0 to 60.0</span></td>' in text
    assert '<caption><span class="stays">Some numbers.' in text


def test_a_table_can_be_taken_from_the_page_as_it_is_in_the_folder():
    found = table(("ü", Value(1 / 3, 0.1, 0.6)))
    text = page(section(tables=(found,)))
    (data,) = re.findall(
        r'download="numbers.csv" href="data:text/csv;charset=utf-8;base64,(.*?)"', text
    )
    assert b64decode(data).decode() == csv_text(found)


def test_figures_are_within_the_page():
    text = page(section(pictures=(Picture("p", "caption", "what is to be seen", b"png"),)))
    assert '<img src="data:image/png;base64,cG5n" alt="what is to be seen">' in text
    assert "http://" not in text
    assert "https://" not in text


def test_parts_of_several_runs_have_names_of_their_own():
    it = section(pictures=(Picture("p", "", "", b""),), tables=(table(),))
    found = prefixed(it, "run2-")
    names = (found.anchor, found.pictures[0].name, found.tables[0].name)
    assert names == ("run2-need", "run2-p", "run2-numbers")
    assert prefixed(it, "") == it
