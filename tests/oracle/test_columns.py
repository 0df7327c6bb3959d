from pathlib import Path

import pytest

from budget.data_choice import DataChoice
from budget.errors import DataError
from oracle.columns import find_columns
from oracle.data import NEEDED
from oracle.question_table import QuestionTable
from oracle.sample_reader import SampleReader
from oracle.sources.rows import HeldRows


def find(there, needed=NEEDED, **choice):
    return find_columns("d", there.split(), needed, DataChoice(**choice))


def test_names_that_are_ours_are_taken_without_a_word():
    found = find("id image question answers group options text answer")
    assert found.names == {
        name: (name,) for name in ("id", "image", "question", "answers", "group", "options")
    }
    assert (found.note, found.kept) == ("", ("text", "answer"))


@pytest.mark.parametrize(
    ("there", "note"),
    [
        # LLaVA's question files; POPE's have a label
        (
            "question_id image text category label",
            "d: id from question_id, question from text, answers from label, group from category",
        ),
        # TextVQA and DocVQA on the hub
        ("image_id question_id question image answers", "d: id from question_id"),
        ("questionId question question_type image answers", "d: id from questionId, "),
        # MMBench on the hub
        (
            "index question hint answer A B C D category image",
            "d: id from index, answers from answer, group from category; "
            "options A to D are listed below the question",
        ),
        # ScienceQA
        (
            "image question choices answer",
            "d: answers from answer, options from choices; no column of ids, so ids are row",
        ),
    ],
)
def test_well_known_layouts_are_recognised_and_said(there, note):
    assert find(there).note.startswith(note)


def test_flags_decide():
    found = find("a b c d e", id="a", image="b,c", question="d", answers="e")
    assert found.names == {"id": ("a",), "image": ("b", "c"), "question": ("d",), "answers": ("e",)}
    assert find("id image question answers", id="#row").names["id"] == ()


@pytest.mark.parametrize(
    ("there", "choice", "match"),
    [
        ("id image text query answers", {}, "may be text or query; say which with --question-col"),
        ("id image question", {}, r"lacks the column answers; .* \(--answers-column can name it\)"),
        ("id caption", {}, "--image-column and --question-column and --answers-column can name th"),
        ("id image question a", {"answers": "b"}, r"no column b \(--answers-column\); it has id"),
        ("id image question a", {"image": "a,b"}, r"no column b \(--image-column\)"),
    ],
)
def test_what_cannot_be_told_is_asked_for(there, choice, match):
    with pytest.raises(DataError, match=match):
        find(there, **choice)


def test_options_are_listed_below_the_question_if_that_is_said():
    rows = HeldRows(
        [
            {"question": "which?", "options": ["cat", "dog"]},
            {"question": "who?\nA. you\nB. me", "options": ["you", "me"]},
            {"question": "why?", "options": None},
        ],
        ["question", "options"],
        Path(),
    )
    columns = find("question options", ("question",), list_options=True)
    asked = QuestionTable(rows, SampleReader(columns, Path(), True), "d")["question"][:]
    letter = "Answer with the option's letter from the given choices directly."
    assert asked == [f"which?\nA. cat\nB. dog\n{letter}", "who?\nA. you\nB. me", "why?"]
    assert columns.note == "d: options are listed below the question"


def test_an_ambiguous_name_that_is_not_needed_is_left_alone():
    assert "group" not in find("id image question answers category question_type").names
