import pickle

import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, Features, Image, List, Value
from pyarrow import parquet

from budget.errors import DataError


def write(path, ids, toy, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "id": list(ids),
        "image": [toy.png(i) for i in ids],
        "question": ["q"] * len(ids),
        "answers": [[str(i)] for i in ids],
    }
    parquet.write_table(pa.table(columns), path, **how)
    return path


@pytest.mark.parametrize("rows_a_group", [1, 7, 100])
def test_any_rows_in_any_order_are_those_of_the_file(toy, rows_a_group):
    path = write(toy.folder / "d.parquet", range(100), toy, row_group_size=rows_a_group)
    table = toy.load(path)
    assert list(table["id"]) == [str(i) for i in range(100)]
    for rows in ([99, 0, 50, 50, 3], range(40, 80), [5], [64, 63, 62], []):
        assert table[rows]["answers"] == [[str(i)] for i in rows]
    assert toy.reds(table.select(range(30, 34))) == [30, 31, 32, 33]
    assert list(pickle.loads(pickle.dumps(table))["id"]) == list(table["id"])


def test_parts_are_read_in_the_order_of_their_names(toy):
    for i, ids in enumerate([range(3), range(3, 3), range(3, 8)]):
        write(toy.folder / "parts" / f"part-{i}.parquet", ids, toy)
    for spec in (toy.folder / "parts", toy.folder / "parts" / "*.parquet"):
        table = toy.load(spec)
        assert list(table["id"]) == [str(i) for i in range(8)]
        assert table[[7, 2, 3]]["answers"] == [["7"], ["2"], ["3"]]


@pytest.mark.parametrize("name", ["data/{}-00000-of-00001.parquet", "{}/0.parquet", "{}.parquet"])
def test_parts_of_a_split_are_found_by_their_names(toy, name):
    write(toy.folder / "d" / name.format("train"), [1], toy)
    write(toy.folder / "d" / name.format("test"), [2], toy)
    assert list(toy.load(toy.folder / "d")["id"]) == ["2"]
    assert list(toy.load(toy.folder / "d", "train")["id"]) == ["1"]
    with pytest.raises(DataError, match="no split 'fit'; it has test, train"):
        toy.load(toy.folder / "d", "fit")


def test_parts_of_different_data_are_refused(toy):
    write(toy.folder / "d" / "0.parquet", [1], toy)
    parquet.write_table(pa.table({"x": [1]}), toy.folder / "d" / "1.parquet")
    with pytest.raises(DataError, match=r"1\.parquet has the columns x, but .*0\.parquet has id"):
        toy.load(toy.folder / "d")


def test_a_file_damaged_behind_its_footer_is_found_when_it_is_read(toy):
    path = write(toy.folder / "d.parquet", range(100), toy)
    content = bytearray(path.read_bytes())
    content[40 : len(content) // 2] = b"\xff" * (len(content) // 2 - 40)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"d\.parquet"):
        list(toy.load(path))


def test_class_labels_are_words(toy):
    kinds = ClassLabel(names=["no", "yes"])
    features = Features({"id": Value("int64"), "question": Value("string"), "label": kinds})
    columns = {"id": [0, 1], "question": ["q", "q"], "label": [1, 0]}
    Dataset.from_dict(columns, features=features).to_parquet(toy.folder / "d.parquet")
    table = toy.load(toy.folder / "d.parquet", needed=("id", "answers"))
    assert list(table["answers"]) == [["yes"], ["no"]]


def test_lists_of_images_and_large_types(toy):
    features = Features({"id": Value("large_string"), "images": List(Image())})
    columns = {"id": ["a", "b"], "images": [[toy.png(1), toy.png(2)], []]}
    Dataset.from_dict(columns, features=features).to_parquet(toy.folder / "d.parquet")
    assert toy.reds(toy.load(toy.folder / "d.parquet", needed=("image",))) == [[1, 2], None]


def test_numbered_columns_of_images_as_in_mmmu(toy):
    columns = {
        "id": ["a", "b", "c"],
        "question": ["q"] * 3,
        "options": ["['x', 'y']", "[]", '["it\'s", "z"]'],
        "answer": ["A", "3", "B"],
        "image_1": [toy.png(1), toy.png(2), None],
        "image_2": [toy.png(3), None, None],
    }
    parquet.write_table(pa.table(columns), toy.folder / "d.parquet")
    table = toy.load(toy.folder / "d.parquet")
    assert toy.reds(table) == [[1, 3], 2, None]
    assert list(table["options"]) == [["x", "y"], None, ["it's", "z"]]
    assert "image from image_1, image_2" in toy.notes[0]


@pytest.mark.parametrize(("spec", "match"), [("*.parquet", "no file fits"), ("*.csv", "only Parq")])
def test_patterns_must_fit_parquet_files(toy, spec, match):
    toy.text("d.csv", "a", "b")
    with pytest.raises(DataError, match=match):
        toy.load(toy.folder / spec)
