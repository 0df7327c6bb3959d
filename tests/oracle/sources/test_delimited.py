import csv

import pandas
import pytest

from budget.errors import DataError


def test_a_csv_with_paths(toy):
    toy.picture("p/1.png", 1)
    path = toy.text(
        "d.csv",
        "id,image,question,answers",
        'a,p/1.png,"which, then",x',
        'b,,"two\nlines ""quoted""","[\'x\', \'y\']"',
    )
    table = toy.load(path)
    assert list(table["question"]) == ["which, then", 'two\nlines "quoted"']
    assert list(table["answers"]) == [["x"], ["x", "y"]]
    assert toy.reds(table) == [1, None]
    assert table[1]["id"] == "b"


def vlmevalkit(toy, **more):
    columns = {
        "index": [0, 1, 2],
        "question": ["which?", "what?", "who?"],
        "hint": ["look", None, None],
        "A": ["cat", "red", "x"],
        "B": ["dog", "blue\tgreen", "y"],
        "C": ["cow", None, None],
        "answer": ["A", "B", "A"],
        "category": ["animals", "colours", "people"],
        "image": [toy.base64(1), "0", f"['{toy.base64(2)}', '{toy.base64(3)}']"],
    }
    path = toy.folder / "MMBench.tsv"
    pandas.DataFrame(columns | more).to_csv(path, sep="\t", index=False)
    return path


def test_a_table_of_vlmevalkit(toy):
    table = toy.load(vlmevalkit(toy))
    assert toy.reds(table) == [1, 1, [2, 3]]
    assert list(table["id"]) == ["0", "1", "2"]
    assert list(table["options"]) == [["cat", "dog", "cow"], ["red", "blue\tgreen"], ["x", "y"]]
    assert list(table["group"]) == ["animals", "colours", "people"]
    assert table[0]["question"] == (
        "look\nwhich?\nA. cat\nB. dog\nC. cow\n"
        "Answer with the option's letter from the given choices directly."
    )
    assert table[1]["question"].startswith("what?\nA. red\nB. blue\tgreen\nAnswer with")
    (note,) = toy.notes
    assert note.endswith(
        "id from index, answers from answer, group from category; "
        "options A to C are listed below the question"
    )


def test_an_image_that_is_no_row_and_no_file_is_named(toy):
    path = vlmevalkit(toy, image=[toy.base64(1), "17", None])
    table = toy.load(path)
    assert toy.reds(table.select([0, 2])) == [1, None]
    with pytest.raises(DataError, match=r"row 1 \(id '1'\): no such file or directory: .*17"):
        table[1]


def test_long_cells_leave_the_limit_of_the_csv_module_alone(toy):
    before = csv.field_size_limit()
    path = toy.text("d.tsv", "id\tquestion", "a\t" + "x" * 200_000)
    assert len(toy.load(path, needed=("question",))[0]["question"]) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (("id,image",), "has no rows"),
        (("id,image", "a,b,c"), r"line 2: 3 cells where the heading has 2"),
        (("id,id", "a,b"), "the columns id are there twice"),
        (("id,image", '"a'), r"d\.csv, line 3: unexpected end of data"),
    ],
)
def test_broken_tables_are_refused(toy, lines, match):
    with pytest.raises(DataError, match=match):
        toy.load(toy.text("d.csv", *lines))


def test_what_is_no_utf_8_is_refused_with_its_line(toy):
    path = toy.text("d.csv", "id,question")
    path.write_bytes(path.read_bytes() + b"a,\xff\n")
    with pytest.raises(DataError, match=r"d\.csv, line 2: 'utf-8' codec can't decode"):
        toy.load(path)
