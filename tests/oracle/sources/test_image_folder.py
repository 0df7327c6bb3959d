import pytest

from budget.errors import DataError

ROW = {"id": "a", "question": "q", "answers": ["x"]}


def test_metadata_beside_images(toy):
    toy.picture("d/sub/1.png", 1)
    toy.lines("d/metadata.jsonl", [{**ROW, "file_name": "sub/1.png"}])
    assert toy.reds(toy.load(toy.folder / "d")) == [1]
    assert toy.notes == [f"{toy.folder / 'd'}: image from file_name"]


def test_splits_have_metadata_of_their_own(toy):
    for red, split in enumerate(("train", "test")):
        toy.picture(f"d/{split}/x.png", red)
        toy.text(f"d/{split}/metadata.csv", "file_name,id,question,answers", "x.png,a,q,x")
    assert toy.reds(toy.load(toy.folder / "d")) == [1]
    with pytest.raises(DataError, match="no split 'fit'; it has test, train"):
        toy.load(toy.folder / "d", "fit")
