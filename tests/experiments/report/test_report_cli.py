"""``budget report`` from end to end on small runs of the shipped model."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.cli import run
from oracle.curves import read_curves, read_metadata


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.images = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        for name in ("href", "src"):
            if name in attrs:
                self.links.append(attrs[name])
        if tag == "img":
            self.images.append(attrs)


@pytest.fixture(scope="module")
def whole(whole_report):
    """The page of a report with everything, and its folder."""
    return Page((whole_report / "report.html").read_text(encoding="utf-8")), whole_report


def test_the_questions_are_answered_in_their_order(whole):
    record = json.loads((whole[1] / "report.json").read_text())
    anchors = [each["anchor"] for one in record["chapters"] for each in one["sections"]]
    assert anchors == [
        "need",
        "groups",
        "harm",
        "gap",
        "policy",
        "savings",
        "importance",
        "published",
        "examples",
        "method",
    ]
    assert all(each["words"] for one in record["chapters"] for each in one["sections"])


def test_the_page_needs_nothing_beside_itself(whole):
    page, _ = whole
    assert [link for link in page.links if not link.startswith(("#", "data:"))] == []
    (policy,) = [a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none'")
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object", "embed")]
    assert not [attrs for tag, attrs in page.tags if tag == "form" and "action" in attrs]


def test_every_link_within_the_page_leads_somewhere_and_ids_are_unique(whole):
    page, _ = whole
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_every_picture_says_in_words_what_it_shows(whole):
    page, _ = whole
    assert len(page.images) > 8
    assert all(len(image.get("alt", "").strip()) > 3 for image in page.images)


def test_every_column_and_row_of_a_table_has_a_header(whole):
    page, _ = whole
    headers = [attrs for tag, attrs in page.tags if tag == "th"]
    assert headers
    assert {attrs.get("scope") for attrs in headers} == {"col", "row"}
    cards = [attrs for tag, attrs in page.tags if tag == "article"]
    tables = [tag for tag, _ in page.tags if tag == "table"]
    captions = [tag for tag, _ in page.tags if tag == "caption"]
    assert len(tables) == len(captions) + len(cards)  # an example's answers stand below it


def test_figures_and_tables_lie_beside_the_page_and_are_named_in_the_record(whole):
    _, out = whole
    record = json.loads((out / "report.json").read_text())
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there == {*record["files"], "report.json"}
    sections = [each for one in record["chapters"] for each in one["sections"]]
    figures = [figure["file"] for each in sections for figure in each["figures"]]
    assert {name for name in there if name.startswith("figures/")} == set(figures)
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in figures)


def test_tables_as_csv_hold_what_the_record_holds(whole):
    _, out = whole
    record = json.loads((out / "report.json").read_text())
    for section in (each for one in record["chapters"] for each in one["sections"]):
        for table in section["tables"]:
            with (out / table["file"]).open(newline="") as file:
                rows = list(csv.DictReader(file))
            assert len(rows) == len(table["rows"])
            for row, known in zip(rows, table["rows"], strict=True):
                assert row == {k: "" if v is None else str(v) for k, v in known.items()}


def test_accuracies_in_the_csv_are_the_means_of_the_curves(whole, place):
    with (whole[1] / "tables" / "accuracy_by_scale.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    curves = read_curves(place / "test.parquet")
    found = [float(row["accuracy"]) for row in rows]
    assert found == pytest.approx(curves.scores.mean(axis=0).tolist(), abs=1e-15)
    assert all(
        float(r["accuracy_low"]) <= float(r["accuracy"]) <= float(r["accuracy_high"]) for r in rows
    )


def test_curves_alone_make_a_report_and_what_needs_no_more_is_the_same(whole, place, report):
    code, found, out, _ = report(place / "test.parquet", "--resamples", "50")
    assert code == 0
    assert "importance" not in found["sections"]
    assert "How many visual tokens does this dataset need?" in out
    folder = Path(found["report"]).parent
    assert (folder / "report.html").stat().st_size == found["bytes"] < 20_000_000
    for name in ("accuracy_by_scale", "groups", "transitions", "minimal_sufficient"):
        table = f"tables/{name}.csv"
        assert (folder / table).read_bytes() == (whole[1] / table).read_bytes()


BAD_TEXT = '<script>alert(1)</script><img src=x onerror="alert(2)"> & "quoted"'


@pytest.fixture(scope="module")
def two(place, tmp_path_factory):
    """The folder of a report of two runs whose data hold markup."""
    folder = tmp_path_factory.mktemp("two")
    table = pq.read_table(place / "test-data.parquet")
    for name in ("question", "group"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array([BAD_TEXT] * len(table)))
    pq.write_table(table, folder / "bad.parquet")
    words = ["report", f"{place}/test.parquet", f"<b>two={place}/short.parquet"]
    words += ["--data", f"{folder}/bad.parquet", "--groups", "column:group", "--title", BAD_TEXT]
    words += ["--examples", "1", "--resamples", "20", "--out", f"{folder}/out"]
    assert run(words) == 0
    return folder / "out"


def test_several_runs_are_chapters_with_names_of_their_own(two):
    record = json.loads((two / "report.json").read_text())
    assert [chapter["title"] for chapter in record["chapters"]] == ["test", "<b>two", ""]
    assert record["runs"][0]["grouped_by"] == "the column 'group'"
    page = Page((two / "report.html").read_text(encoding="utf-8"))
    assert len(page.ids) == len(set(page.ids))
    assert {"run1-need", "run2-need", "run2-examples", "method"} <= set(page.ids)
    assert (two / "figures" / "run2-published.png").exists()


def test_what_the_data_hold_is_never_taken_for_markup(two):
    text = (two / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "<b>two" not in text
    assert not [attrs for _, attrs in page.tags if "onerror" in attrs or attrs.get("src") == "x"]
    assert len(re.findall(r"<script", text)) == len([t for t, _ in page.tags if t == "script"])


def test_runs_side_by_side_take_the_place_of_an_older_report(two, place, report):
    runs = (place / "test.parquet", place / "short.parquet", "--compare")
    code, found, out, _ = report(*runs, out=two)
    assert code == 0
    assert found["sections"] == ["compare", "method"]
    assert found["runs"] == {"test": 60, "short": 60}
    assert "Which needs which granularity?" in out
    assert not list((two / "figures").glob("run*"))


RUN, DATA = "test.parquet", "--data test-data.parquet"
BAD = {
    "no such file": ("none.parquet", "none.parquet"),
    "a folder that is no run": ("empty", "is no run of the oracle"),
    "a policy of another ladder": (f"short.parquet {DATA} --policy m3", "has scales (1, 4, 9"),
    "fit curves of another ladder": (f"{RUN} --fit-curves short.parquet", "has scales (1, 4, 9)"),
    "fit curves of the same samples": (f"{RUN} --fit-curves {RUN}", "share 60 samples"),
    "data of other samples": (
        f"{RUN} --data calibration-data.parquet",
        "60 of 60 samples of the curves are not in",
    ),
    "an unknown column": (
        f"{RUN} {DATA} --groups column:kind",
        "no column 'kind'; they have id, image, question, answers, group, smallest_px, things",
    ),
    "no clusters": (f"{RUN} {DATA} --groups clusters:0", "takes a K from 2 to 200, got '0'"),
    "clusters without data": (f"{RUN} --groups clusters", "give --data for the run 'test'"),
    "a policy without data": (f"{RUN} --policy m3", "give --data for the run 'test'"),
    "no policy": (f"{RUN} {DATA} --policy empty", "empty"),
    "one name twice": (f"{RUN} {RUN}", "two runs are called 'test'"),
    "one run side by side": (f"{RUN} --compare", "--compare needs at least two runs, got 1"),
    "a price below 0": (f"{RUN} --dollars-per-hour -3", "one price above 0"),
    "two prices": (
        f"{RUN} --dollars-per-hour 3 --dollars-per-million-tokens 1",
        "one price above 0",
    ),
    "a tolerance of all": (f"{RUN} --tolerance-points 101", "less than or equal to 100"),
    "no run at all": ("", "RUN"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_line(kind, place, report, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    (place / "empty").mkdir(exist_ok=True)
    words, message = BAD[kind]
    code, _, out, err = report(*words.split())
    assert code == 2
    assert out == ""
    assert message in err
    (line,) = [each for each in err.splitlines() if each.startswith("budget: ")]
    assert message in line
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_not_finished_is_refused(place, report, tmp_path):
    folder = tmp_path / "half"
    folder.mkdir()
    manifest = read_metadata(place / "test.parquet")  # of a run of 6,000, none of them done
    (folder / "manifest.json").write_text(json.dumps(manifest))
    code, _, out, err = report(folder)
    assert (code, out) == (2, "")
    assert "half is not finished: 0 of 6000 samples are done" in err


def test_a_file_cannot_be_the_folder(place, report, tmp_path):
    file = tmp_path / "report"
    file.write_text("mine")
    code, _, _, err = report(place / "test.parquet", out=file)
    assert (code, file.read_text()) == (2, "mine")
    assert f"--out must be a folder, but {file} is a file" in err
