import pytest
from datasets import load_dataset

from budget.data_choice import DataChoice
from budget.errors import DataError
from oracle import data
from oracle.data import open_samples
from oracle.fingerprint import fingerprint
from oracle.question_stream import QuestionStream
from oracle.question_table import QuestionTable


@pytest.fixture
def stream(toys, tmp_path, monkeypatch):
    """A real stream of ten rows, from a file in the place of the hub."""
    toys.reader_dataset(range(0, 50, 5)).to_parquet(tmp_path / "d.parquet")
    files = {"test": str(tmp_path / "d.parquet")}
    monkeypatch.setattr(
        data,
        "stream_hub",
        lambda spec, split: load_dataset(
            "parquet", data_files=files, split=split, streaming=True, cache_dir=str(tmp_path)
        ),
    )

    def open_it(limit=None, **choice):
        return open_samples("owner/name", limit=limit, choice=DataChoice(stream=True, **choice))

    return open_it


def test_chunks_are_tables_and_cover_the_stream_once(stream):
    opened = stream()
    assert isinstance(opened, QuestionStream)
    assert (opened.num_rows, "answers" in opened.column_names) == (None, True)
    chunks = list(opened.chunks(4))
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert [name for chunk in chunks for name in chunk["id"]] == [f"v{v}" for v in range(0, 50, 5)]
    assert chunks[1][0]["image"].getpixel((0, 0))[0] == 20


def test_a_stream_goes_on_where_it_is_told_to(stream):
    names = [name for chunk in stream().chunks(4, start=4) for name in chunk["id"]]
    assert names == [f"v{v}" for v in range(20, 50, 5)]


@pytest.mark.parametrize("limit", [1, 4, 6, 8, 99])
def test_a_limit_takes_the_front(stream, limit):
    assert sum(len(chunk) for chunk in stream(limit).chunks(4)) == min(limit, 10)


def test_row_numbers_are_those_of_the_stream(stream):
    names = [name for chunk in stream(id="#row").chunks(4, start=4) for name in chunk["id"]]
    assert names == [str(i) for i in range(4, 10)]


def test_the_hash_of_a_stream_tells_how_it_is_read(stream):
    assert fingerprint(stream()) == fingerprint(stream()) != fingerprint(stream(limit=2))


def test_missing_columns_are_named(stream):
    with pytest.raises(DataError, match=r"no column x \(--question-column\); it has id, image"):
        stream(question="x")


def test_data_on_disk_need_no_stream_and_give_the_same_chunks(toys, tmp_path):
    toys.reader_dataset([0, 5, 10]).to_parquet(tmp_path / "d.parquet")
    opened = open_samples(str(tmp_path / "d.parquet"), choice=DataChoice(stream=True))
    assert isinstance(opened, QuestionTable)
    assert [list(chunk["id"]) for chunk in opened.chunks(2)] == [["v0", "v5"], ["v10"]]
    assert [list(chunk["id"]) for chunk in opened.chunks(2, start=2)] == [["v10"]]
