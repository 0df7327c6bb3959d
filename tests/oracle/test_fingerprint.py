import json
import shutil

import pytest
from datasets import Dataset
from PIL import Image

from oracle.data import load_dataset_columns
from oracle.fingerprint import fingerprint


@pytest.fixture
def folder(tmp_path):
    """Three rows whose images are files."""
    folder = tmp_path / "one"
    folder.mkdir()
    rows = []
    for i in range(3):
        Image.new("RGB", (2, 2), (i, 0, 0)).save(folder / f"{i}.png")
        row = {"id": i, "image": f"{i}.png", "question": "q", "answers": ["x"], "options": ["x"]}
        rows.append(row)
    write(folder, rows)
    return folder


def write(folder, rows):
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def rows_of(folder):
    return [json.loads(line) for line in (folder / "d.jsonl").read_text().splitlines()]


def hash_of(folder, name="d.jsonl"):
    return fingerprint(load_dataset_columns(str(folder / name)))


def test_a_copy_elsewhere_has_the_same_hash(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "two", copy_function=shutil.copyfile)
    assert hash_of(tmp_path / "two") == hash_of(folder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "x"),
        ("question", "r"),
        ("answers", ["y"]),
        ("options", ["y"]),
        ("image", "1.png"),
        ("image", None),
        ("image", "absent.png"),
    ],
)
def test_whatever_a_sample_is_made_of_counts(folder, name, value):
    before, rows = hash_of(folder), rows_of(folder)
    rows[2][name] = value
    write(folder, rows)
    assert hash_of(folder) != before


def test_order_counts_and_so_does_an_image_of_another_size(folder):
    before, rows = hash_of(folder), rows_of(folder)
    write(folder, rows[::-1])
    assert hash_of(folder) != before
    write(folder, rows)
    assert hash_of(folder) == before
    Image.new("RGB", (20, 30)).save(folder / "1.png")
    assert hash_of(folder) != before


def test_bytes_within_the_data_count_and_need_not_be_images(tmp_path):
    hashes = set()
    for name, raw in (("a", b"abc"), ("b", b"abd"), ("c", b"abc")):
        columns = {"id": ["0"], "image": [raw], "question": ["q"], "answers": [["x"]]}
        Dataset.from_dict(columns).to_parquet(tmp_path / f"{name}.parquet")
        hashes.add(hash_of(tmp_path, f"{name}.parquet"))
    assert len(hashes) == 2


def test_a_dataset_of_the_library_can_be_hashed_too(toys):
    one, same, other = (toys.reader_dataset(values) for values in ([0, 5], [0, 5], [0, 10]))
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)


def test_a_row_that_cannot_be_read_does_not_hide_the_others(folder):
    rows = rows_of(folder)
    rows[1]["answers"] = None
    write(folder, rows)
    before = hash_of(folder)
    rows[2]["question"] = "r"
    write(folder, rows)
    assert hash_of(folder) != before
