import json

import pytest
from datasets import Dataset, DatasetDict
from datasets import Image as ImageColumn
from PIL import Image

from budget.data_choice import DataChoice
from budget.errors import DataError
from oracle import data
from oracle.data import load_dataset_columns, register_source


def pixel(dataset, row=0):
    return dataset[row]["image"].convert("RGB").getpixel((0, 0))[0]


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def jsonl(tmp_path):
    """A file whose image paths are relative to it."""
    (tmp_path / "pictures").mkdir()
    rows = []
    for v in (0, 5, 10):
        Image.new("RGB", (2, 2), (v, 0, 0)).save(tmp_path / "pictures" / f"{v}.png")
        row = {"id": v, "image": f"pictures/{v}.png", "question": "how red", "answers": [str(v)]}
        rows.append(row)
    write_jsonl(tmp_path / "data.jsonl", rows)
    return tmp_path / "data.jsonl"


def test_a_saved_folder_comes_back(toys, tmp_path):
    toys.reader_dataset([0, 5]).save_to_disk(tmp_path / "saved")
    loaded = load_dataset_columns(str(tmp_path / "saved"))
    assert loaded["id"][:] == ["v0", "v5"]
    assert pixel(loaded, 1) == 5


def test_a_folder_with_splits_needs_one_that_is_there(toys, tmp_path):
    splits = {"fit": toys.reader_dataset([0]), "test": toys.reader_dataset([5, 10])}
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    assert load_dataset_columns(str(tmp_path / "saved"))["id"][:] == ["v5", "v10"]
    assert load_dataset_columns(str(tmp_path / "saved"), "fit")["id"][:] == ["v0"]
    with pytest.raises(DataError, match="no split 'train'; it has fit, test"):
        load_dataset_columns(str(tmp_path / "saved"), "train")


def test_parquet_with_image_bytes(toys, tmp_path):
    toys.reader_dataset([0, 5]).to_parquet(tmp_path / "d.parquet")
    assert pixel(load_dataset_columns(str(tmp_path / "d.parquet")), 1) == 5


def test_parquet_with_bare_bytes(tmp_path):
    Image.new("RGB", (2, 2), (7, 0, 0)).save(tmp_path / "x.png")
    raw = (tmp_path / "x.png").read_bytes()
    columns = {"id": ["a"], "image": [raw], "question": ["q"], "answers": [["x"]]}
    Dataset.from_dict(columns).to_parquet(tmp_path / "d.parquet")
    assert pixel(load_dataset_columns(str(tmp_path / "d.parquet"))) == 7


def test_image_paths_are_relative_to_the_file_and_ids_become_text(jsonl):
    loaded = load_dataset_columns(str(jsonl))
    assert loaded["id"][:] == ["0", "5", "10"]
    assert [pixel(loaded, row) for row in range(3)] == [0, 5, 10]


def test_a_limit_takes_the_front(jsonl):
    assert load_dataset_columns(str(jsonl), limit=2)["id"][:] == ["0", "5"]
    assert len(load_dataset_columns(str(jsonl), limit=99)) == 3
    with pytest.raises(DataError, match="at least 1, got 0"):
        load_dataset_columns(str(jsonl), limit=0)


def test_a_missing_image_spoils_its_row_alone(jsonl):
    (jsonl.parent / "pictures" / "5.png").unlink()
    loaded = load_dataset_columns(str(jsonl))
    assert [pixel(loaded, row) for row in (0, 2)] == [0, 10]
    with pytest.raises(DataError, match=r"row 1 \(id '5'\): no such file or directory: .*5\.png"):
        loaded[1]


def test_a_wrong_image_folder_is_found_at_once(jsonl, tmp_path):
    with pytest.raises(
        DataError, match=r"are missing, first: .*elsewhere/pictures/0\.png; --image"
    ):
        load_dataset_columns(str(jsonl), choice=DataChoice(image_folder=tmp_path / "elsewhere"))


def test_missing_columns_are_named_with_those_that_are_there(jsonl):
    with pytest.raises(DataError, match="lacks the columns level, age; it has id, image, question"):
        load_dataset_columns(str(jsonl), needed=("id", "level", "age"))


@pytest.mark.parametrize("answers", [None, [], "", True, {"a": 1}, [[1]]])
def test_answers_must_be_texts(tmp_path, answers):
    write_jsonl(tmp_path / "d.jsonl", [{"id": "a", "question": "q", "answers": answers}])
    loaded = load_dataset_columns(str(tmp_path / "d.jsonl"), needed=("id", "question", "answers"))
    with pytest.raises(DataError, match=r"row 0 \(id 'a'\): answers must be a text or a list of"):
        loaded[0]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("d.jsonl", "", "is empty"),
        ("d.jsonl", "not json\n", r"d\.jsonl, row 0: no JSON: Expecting value"),
        ("d.parquet", "not parquet", "cannot be read"),
        ("d.xml", "<a/>", r"must end in \.parquet, \.jsonl, .*, got '\.xml'"),
    ],
)
def test_files_that_are_no_data_are_refused(tmp_path, name, content, match):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=match):
        load_dataset_columns(str(tmp_path / name))


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no data: it must be a folder that"):
        load_dataset_columns(str(tmp_path))


@pytest.mark.parametrize("spec", ["absent.parquet", "/absent/folder", "sceens", "x" * 9999])
def test_what_is_nowhere_is_refused_with_the_known_words(monkeypatch, spec):
    monkeypatch.setattr(data, "_SOURCES", {"scenes": None})
    with pytest.raises(DataError, match=r"no such data.*known words are scenes"):
        load_dataset_columns(spec)


def test_an_unreachable_hub_id_is_one_clear_error():
    with pytest.raises(DataError, match=r"nobody/nothing \(test\) cannot be loaded from the hub"):
        load_dataset_columns("nobody/nothing")


def test_a_registered_word_gets_split_and_limit(monkeypatch, toys):
    monkeypatch.setattr(data, "_SOURCES", {})
    asked = []

    def loader(split, limit):
        asked.append((split, limit))
        if split == "train":
            raise ValueError("no split 'train'; it has fit, test")
        return toys.reader_dataset()

    register_source("toy", loader)
    assert len(load_dataset_columns("toy", limit=3)) == 3
    assert asked == [("test", 3)]
    with pytest.raises(DataError, match="toy: no split 'train'"):
        load_dataset_columns("toy", "train")


def test_images_come_as_a_viewer_shows_them(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGBA", (4, 2), (9, 9, 9, 0)).save(tmp_path / "clear.png", exif=turned)
    raw = (tmp_path / "clear.png").read_bytes()
    columns = {"id": ["a"], "image": [raw], "question": ["q"], "answers": [["x"]]}
    Dataset.from_dict(columns).to_parquet(tmp_path / "d.parquet")
    image = load_dataset_columns(str(tmp_path / "d.parquet"))[0]["image"]
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (2, 4), (255, 255, 255))


def spoil(jsonl, name):
    path = jsonl.parent / "pictures" / name
    path.write_bytes(path.read_bytes()[:50])
    return path


def test_a_bad_image_is_named_by_data_row_and_id(jsonl):
    path = spoil(jsonl, "5.png")
    loaded = load_dataset_columns(str(jsonl))
    assert pixel(loaded, 2) == 10
    where = rf"^{jsonl}, row 1 \(id '5'\): {path} is corrupt or cut off: "
    for read in (
        lambda: loaded[1],
        lambda: loaded[0:2],
        lambda: loaded["image"][:],
        lambda: loaded.select([2, 1]).select_columns(["image"])[1],
        lambda: list(loaded),
    ):
        with pytest.raises(DataError, match=where):
            read()


def test_bad_bytes_are_named_by_row_where_there_is_no_id(tmp_path, toys):
    good = toys.reader_dataset([0, 5]).cast_column("image", ImageColumn(decode=False))
    rows = [row["image"]["bytes"] for row in good]
    columns = {"image": [*rows, b"rubbish"], "question": ["q"] * 3, "answers": [["x"]] * 3}
    Dataset.from_dict(columns).to_parquet(tmp_path / "d.parquet")
    loaded = load_dataset_columns(
        str(tmp_path / "d.parquet"), needed=("image", "question", "answers")
    )
    with pytest.raises(DataError, match=r"d\.parquet, row 2: the image is no image"):
        loaded[2]


def test_other_columns_are_read_without_a_look_at_the_images(jsonl):
    for name in ("0.png", "5.png", "10.png"):
        spoil(jsonl, name)
    loaded = load_dataset_columns(str(jsonl))
    assert list(loaded["id"]) == ["0", "5", "10"]
    assert [row["question"] for row in loaded.select_columns(["question"])] == ["how red"] * 3


@pytest.mark.parametrize("kind", ["path", "bytes"])
def test_a_row_without_an_image_has_none(tmp_path, kind):
    Image.new("RGB", (2, 2)).save(tmp_path / "x.png")
    image = str(tmp_path / "x.png") if kind == "path" else (tmp_path / "x.png").read_bytes()
    columns = {"id": ["a", "b"], "image": [image, None], "question": ["q"] * 2}
    Dataset.from_dict(columns).to_parquet(tmp_path / "d.parquet")
    loaded = load_dataset_columns(str(tmp_path / "d.parquet"), needed=("id", "image", "question"))
    assert [image and image.size for image in loaded["image"]] == [(2, 2), None]


def test_a_column_of_something_else_is_refused(tmp_path):
    write_jsonl(tmp_path / "d.jsonl", [{"id": "a", "image": 7}])
    loaded = load_dataset_columns(str(tmp_path / "d.jsonl"), needed=("id", "image"))
    with pytest.raises(DataError, match=r"an image must be bytes, base64 or a path, got int"):
        loaded[0]
