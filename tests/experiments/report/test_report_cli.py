"""``budget report`` from end to end on small runs of the shipped model."""

import csv
import json
import re
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object", "embed", "form")]


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


def test_the_same_command_gives_the_same_report(place, report, tmp_path):
    words = (place / "test.parquet", "--data", place / "test-data.parquet", "--examples", "1")
    pages = []
    for name in ("a", "b"):
        assert report(*words, out=tmp_path / name)[0] == 0
        pages.append({p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.csv")})
    assert pages[0] == pages[1]


def test_curves_alone_make_a_report(place, report, tmp_path):
    code, found, out, _ = report(place / "test.parquet")
    assert code == 0
    assert "importance" not in found["sections"]
    assert "How many visual tokens does this dataset need?" in out
    assert (tmp_path / "out" / "report.html").stat().st_size == found["bytes"] < 20_000_000


def test_groups_come_from_a_column(place, report, tmp_path):
    data = ("--data", place / "test-data.parquet", "--groups", "column:density")
    assert report(place / "test.parquet", *data)[0] == 0
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["runs"][0]["grouped_by"] == "the column 'density'"


def test_groups_come_from_clusters_of_questions(place, report, tmp_path):
    data = ("--data", place / "test-data.parquet", "--groups", "clusters:3")
    assert report(place / "test.parquet", *data)[0] == 0
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["runs"][0]["grouped_by"].startswith("3 clusters of questions")
    (groups,) = [s for s in record["chapters"][0]["sections"] if s["anchor"] == "groups"]
    assert len({row["group"] for row in groups["tables"][0]["rows"]} - {"all"}) == 3


def test_runs_come_one_by_one_or_side_by_side(place, report, tmp_path):
    runs = (place / "test.parquet", place / "calibration.parquet")
    code, found, _, _ = report(*runs)
    assert code == 0
    assert found["sections"][0] == "run1-need"
    assert "run2-need" in found["sections"]
    page = Page((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert len(page.ids) == len(set(page.ids))
    code, found, _, _ = report(*runs, "--compare")
    assert code == 0
    assert found["sections"][0] == "compare"
    assert not list((tmp_path / "out" / "figures").glob("run1-*"))  # of the report before


def test_models_of_different_ladders_stand_side_by_side(place, report):
    code, found, _, _ = report(place / "test.parquet", place / "short.parquet", "--compare")
    assert code == 0
    assert found["runs"] == {"test": 60, "short": 60}


def test_what_the_data_hold_is_never_taken_for_markup(place, report, tmp_path):
    table = pq.read_table(place / "test-data.parquet")
    bad = '<script>alert(1)</script><img src=x onerror="alert(2)"> & "quoted"'
    for name in ("question", "group"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array([bad] * len(table)))
    pq.write_table(table, tmp_path / "bad.parquet")
    words = ("--data", tmp_path / "bad.parquet", "--groups", "column:group", "--examples", "1")
    assert report(place / "test.parquet", *words, "--title", bad)[0] == 0
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "alert(1)" in text
    assert not [a for _, a in page.tags if "onerror" in a or a.get("src") == "x"]
    assert len(re.findall(r"<script", text)) == len([t for t, _ in page.tags if t == "script"])
    assert "<script>alert" not in text


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
    "a tolerance of all": (f"{RUN} --tolerance-points 101", "101"),
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
