import csv
import math
import zipfile

import pytest

from budget.errors import DataError
from oracle.logs.rows import Choices
from oracle.logs.tables import columns_of, read_table
from oracle.logs.vlmevalkit import read_vlmevalkit

HEADING = ("index", "question", "answer", "category", "prediction", "hit")
ROWS = [
    (0, "What color?", "red", "color", "It is\tred,\nor so", 1),
    (7, "How?", "2", "count", "", 0),
]


def write_delimited(path, delimiter, rows=ROWS, heading=HEADING):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([heading, *rows])
    return path


def write_xlsx(path, rows):
    """Write a workbook by hand: what a reader needs, and no more."""
    cells = "".join("<row>" + "".join(cell(value) for value in row) + "</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sheet.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r" Type="{office}/worksheet" Target="sheet.xml"/></Relationships>',
        "xl/sheet.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def cell(value):
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def read(path, kind, **choices):
    return read_vlmevalkit(path, kind, Choices(**choices))[0]


@pytest.mark.parametrize(("kind", "delimiter"), [("tsv", "\t"), ("csv", ",")])
def test_tables_of_text_keep_tabs_and_line_breaks_in_cells(tmp_path, kind, delimiter):
    log = read(write_delimited(tmp_path / "t", delimiter), kind)
    assert [row.key for row in log.rows] == ["0", "7"]
    assert log.rows[0].answer == "It is\tred,\nor so"
    assert [row.score for row in log.rows] == [1.0, 0.0]
    assert [row.group for row in log.rows] == ["color", "count"]
    assert log.metric == "hit"


def test_xlsx_gives_what_the_text_gives(tmp_path):
    pytest.importorskip("openpyxl")
    sheet = read(write_xlsx(tmp_path / "t.xlsx", [HEADING, *ROWS]), "xlsx")
    text = read(write_delimited(tmp_path / "t.tsv", "\t"), "tsv")
    plain = [row._replace(line=0) for row in sheet.rows]
    assert plain == [row._replace(line=0) for row in text.rows]
    assert columns_of(tmp_path / "t.xlsx", "xlsx") == list(HEADING)


def test_without_openpyxl_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"needs openpyxl: pip install 'matryoshka-budget\[logs\]'"):
        read_table(write_xlsx(tmp_path / "t.xlsx", [HEADING]), "xlsx")


def test_a_broken_xlsx_is_said_to_be_one(tmp_path):
    pytest.importorskip("openpyxl")
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(DataError, match=r"t.xlsx is no xlsx file that can be read"):
        read_table(tmp_path / "t.xlsx", "xlsx")


def test_json_tables_and_predictions_without_scores(tmp_path):
    (tmp_path / "t.json").write_text('[{"index": 3, "prediction": "B", "answer": "A"}]')
    log = read(tmp_path / "t.json", "json")
    row = log.rows[0]
    assert (row.key, row.answer, row.references) == ("3", "B", ("A",))
    assert math.isnan(row.score)
    assert (log.metric, log.unscored) == ("", "no column hit, eval_score, score")


def test_an_index_loses_the_fraction_that_pandas_gave_it(tmp_path):
    rows = [("12.0", "", "", "", "x", 1)]
    assert read(write_delimited(tmp_path / "t", "\t", rows), "tsv").rows[0].key == "12"


def test_long_cells_are_read(tmp_path):
    rows = [(0, "x" * 200_000, "", "", "red", 1)]
    table = write_delimited(tmp_path / "t", "\t", rows)
    before = csv.field_size_limit()
    assert len(read(table, "tsv").rows[0].question) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("index\tprediction\n1\tred\n2\n", "line 3: 1 cells where the heading has 2.* cut off"),
        ('index\tprediction\n1\t"red\n', "line 2: unexpected end of data"),
        ("index\tindex\n1\t2\n", "line 1: the columns index are there twice"),
        ("index\tprediction\n", "has no rows"),
        ("index\tanswer\n1\tred\n", "is no table of VLMEvalKit: it lacks prediction"),
        ("index\tprediction\thit\n1\tred\tyes\n", "line 2: hit must be a number, got 'yes'"),
        ("index\tprediction\n\tred\n", "line 2: no index"),
    ],
)
def test_a_broken_table_names_the_line(tmp_path, text, match):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(DataError, match=rf"t\.tsv.*{match}"):
        read(tmp_path / "t.tsv", "tsv")


def test_a_column_may_be_chosen_as_score_and_as_group(tmp_path):
    rows = [(0, "q", "a", "color", "x", 40)]
    table = write_delimited(tmp_path / "t", "\t", rows, (*HEADING[:5], "mine"))
    row = read(table, "tsv", metric="mine", group="answer", max_score=100.0).rows[0]
    assert (row.score, row.group) == (0.4, "a")
    with pytest.raises(DataError, match="no column 'hit'; there are index, question"):
        read(table, "tsv", metric="hit")
