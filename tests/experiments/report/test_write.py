"""A report's folder: whole, its own alone, and of one report at a time."""

import json

import pytest

from experiments.report.chapters import Chapter
from experiments.report.section import Column, Picture, Section, Table, Value
from experiments.report.write import write_report

PNG = b"\x89PNG not really"


def section(name, value=0.5):
    table = Table(name, "Numbers.", (Column("x", "x"),), ((Value(value, 0.25, 1.0),),))
    return Section(name, f"{name}?", ("Yes.",), (Picture(name, "It.", "It.", PNG),), (table,))


def chapter(*names):
    return Chapter("", tuple(section(name) for name in names))


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_everything_is_written_and_listed(tmp_path):
    made = write_report(tmp_path / "new", "<p>ü</p>", [chapter("a", "b")], {"title": "t"})
    assert files(tmp_path / "new") == {
        "report.html",
        "report.json",
        "figures/a.png",
        "figures/b.png",
        "tables/a.csv",
        "tables/b.csv",
    }
    assert made[0].read_text(encoding="utf-8") == "<p>ü</p>"
    assert (tmp_path / "new/tables/a.csv").read_text() == "x,x_low,x_high\n0.5,0.25,1.0\n"


def test_the_record_says_everything_but_the_pixels(tmp_path):
    write_report(tmp_path, "", [chapter("a")], {"settings": {"tolerance": float("nan")}})
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["settings"] == {"tolerance": None}
    (one,) = found["chapters"][0]["sections"]
    assert one["words"] == ["Yes."]
    assert one["figures"] == [{"file": "figures/a.png", "caption": "It.", "alt": "It."}]
    assert one["tables"][0]["rows"] == [{"x": 0.5, "x_low": 0.25, "x_high": 1.0}]


def test_what_an_older_report_wrote_goes_and_what_others_wrote_stays(tmp_path):
    write_report(tmp_path, "", [chapter("a", "b")], {})
    (tmp_path / "figures" / "mine.png").write_bytes(b"mine")
    (tmp_path / "notes.txt").write_text("mine")
    write_report(tmp_path, "", [chapter("b")], {})
    assert files(tmp_path) == {
        "report.html",
        "report.json",
        "figures/b.png",
        "figures/mine.png",
        "tables/b.csv",
        "notes.txt",
    }


@pytest.mark.parametrize(
    "record",
    [
        '{"files": ["../outside.png", "figures/../../outside.png", "/etc/passwd", "notes.txt"]}',
        '{"files": 3}',
        "[]",
        "not JSON",
    ],
)
def test_a_record_that_is_not_ours_removes_nothing(tmp_path, record):
    folder = tmp_path / "report"
    folder.mkdir()
    (tmp_path / "outside.png").touch()
    (folder / "notes.txt").touch()
    (folder / "report.json").write_text(record)
    write_report(folder, "", [chapter("a")], {})
    assert (tmp_path / "outside.png").exists()
    assert (folder / "notes.txt").exists()


def test_two_tables_of_one_name_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"two parts of the report are called figures/a\.png"):
        write_report(tmp_path / "new", "", [chapter("a", "a")], {})
    assert not (tmp_path / "new").exists()
