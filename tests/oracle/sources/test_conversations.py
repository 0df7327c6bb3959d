import json

import pytest

from budget.errors import DataError


def turns(*texts):
    return [{"from": "gpt" if i % 2 else "human", "value": text} for i, text in enumerate(texts)]


def test_every_question_is_a_row_with_its_answer(toy):
    toy.picture("images/1.png", 1)
    rows = [
        {"id": "a", "image": "images/1.png", "conversations": turns("<image>\nWhat?", "A cat.")},
        {"id": "b", "conversations": turns("Why?", "So.", "When?\n<image>", "Now.")},
    ]
    table = toy.load(toy.text("d.json", json.dumps(rows)))
    assert list(table["id"]) == ["a", "b/1", "b/2"]
    assert list(table["question"]) == ["What?", "Why?", "When?"]
    assert list(table["answers"]) == [["A cat."], ["So."], ["Now."]]
    assert toy.reds(table) == [1, None, None]
    (note,) = toy.notes
    assert "answers from answer; every turn of a conversation is asked on its own" in note


def test_json_lines_of_conversations_are_read_too(toy):
    path = toy.lines("d.jsonl", [{"id": "a", "conversations": turns("What?", "That.")}])
    assert toy.load(path, needed=("id", "answers"))[0]["answers"] == ["That."]
    assert "on its own" not in toy.notes[0]


@pytest.mark.parametrize(
    ("said", "match"),
    [(turns("only asked"), "no conversation holds"), ([{"role": "user"}], "list of 'from' and")],
)
def test_what_is_no_conversation_is_refused(toy, said, match):
    with pytest.raises(DataError, match=match):
        toy.load(toy.lines("d.jsonl", [{"conversations": said}]))
