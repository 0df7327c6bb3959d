import json

import pytest

from budget.errors import DataError


def test_a_list_of_objects_is_read_object_by_object(toy):
    rows = [
        {"id": i, "question": f'brackets }} ]] {{ [[ and a " and \\ {i} é', "answers": ["x"]}
        for i in range(5)
    ]
    path = toy.text("d.json", json.dumps(rows, indent=1, ensure_ascii=False))
    table = toy.load(path, needed=("id", "question", "answers"))
    assert list(table["question"]) == [row["question"] for row in rows]
    assert table[4]["id"] == "4"


def test_json_lines_may_be_called_json(toy):
    path = toy.lines("d.json", [{"id": "a"}, {"id": "b"}])
    assert list(toy.load(path, needed=("id",))["id"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('[{"id": 1}, {"id": 2}', "cut off: 1 brackets are never closed"),
        ("[]", "has no rows"),
        ("[1, 2]", "has no rows: its list holds no objects"),
        ('{\n "data": [{"id": 1}]\n}', "must hold a list of objects or one object a line"),
        ("nonsense", "no JSON"),
    ],
)
def test_other_json_is_refused(toy, text, match):
    with pytest.raises(DataError, match=match):
        toy.load(toy.text("d.json", text))
