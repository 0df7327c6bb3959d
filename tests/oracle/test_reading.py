import json

import pytest
from PIL import Image

from oracle.data import load_dataset_columns
from oracle.reading import read_batch


@pytest.fixture
def table(tmp_path):
    """Five rows, of which two cannot be read."""
    for i in (0, 1, 3):
        Image.new("RGB", (2, 2), (i, 0, 0)).save(tmp_path / f"{i}.png")
    rows = [{"id": i, "image": f"{i}.png", "question": "q", "answers": ["x"]} for i in range(5)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset_columns(str(tmp_path / "d.jsonl"))


def test_bad_rows_are_left_out_and_named(table):
    found = read_batch(table, range(5))
    assert (found.rows, found.batch["id"]) == ([0, 1, 3], ["0", "1", "3"])
    assert list(found.problems) == [2, 4]
    assert "row 2 (id '2'): no such file or directory" in found.problems[2]


def test_good_rows_are_read_together(table):
    found = read_batch(table, [3, 0])
    assert (found.batch["id"], found.problems) == (["3", "0"], {})


def test_all_rows_may_be_bad(table):
    assert read_batch(table, [2, 4])[:2] == ({}, [])
