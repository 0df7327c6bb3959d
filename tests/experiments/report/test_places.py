"""Where runs lie, what they are called, and where a report may go."""

from pathlib import Path

import pytest

from budget.errors import DataError
from experiments.report.places import check_out, find_places


def places(runs, *, data=(), split=(), fit=()):
    return find_places(runs, data=data, split=split, fit=fit, fit_split="fit")


def test_a_run_is_called_like_its_folder_or_file_or_as_it_is_told(tmp_path):
    (tmp_path / "folder.v2").mkdir()
    (tmp_path / "file.parquet").touch()
    found = places([f"{tmp_path}/folder.v2/", f"{tmp_path}/file.parquet", f"mine={tmp_path}/x"])
    assert [place.name for place in found] == ["folder.v2", "file", "mine"]
    assert found[2].curves == tmp_path / "x"


def test_a_path_with_an_equals_sign_is_a_path(tmp_path):
    (tmp_path / "lr=0.1").mkdir()
    (place,) = places([f"{tmp_path}/lr=0.1"])
    assert (place.name, place.curves) == ("lr=0.1", tmp_path / "lr=0.1")


def test_what_is_given_once_is_for_all_runs():
    found = places(["a", "b"], data=["d"], split=["s"], fit=[Path("f")])
    assert {(place.data, place.split, place.fit) for place in found} == {("d", "s", Path("f"))}


def test_what_is_given_for_each_goes_to_each():
    found = places(["a", "b"], data=["d", "e"], split=["s", "t"])
    assert [(place.data, place.split) for place in found] == [("d", "s"), ("e", "t")]


def test_what_is_not_given_is_none_and_the_split_test():
    (place,) = places(["a"])
    assert (place.data, place.split, place.fit) == (None, "test", None)


def test_two_runs_of_one_name_are_refused():
    with pytest.raises(DataError, match=r"two runs are called 'test'; .*NAME=PATH"):
        places(["m3/test", "mqt/test"])


def test_data_for_some_runs_only_are_refused():
    with pytest.raises(DataError, match=r"--data is given once .* each of the 3, got 2"):
        places(["a", "b", "c"], data=["d", "e"])


def test_a_report_cannot_go_where_a_file_is(tmp_path):
    file = tmp_path / "report.html"
    file.touch()
    for out in (file, file / "deeper" / "still"):
        with pytest.raises(DataError, match=f"--out must be a folder, but {file} is a file"):
            check_out(out)
    check_out(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a /proc")
def test_where_nothing_can_be_written_is_said_before_anything_is_read():
    out = Path("/proc/report")  # a file system that takes no files, not even from root
    with pytest.raises(DataError, match="--out /proc/report cannot be written"):
        check_out(out)
