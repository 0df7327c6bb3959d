import pytest

from budget.errors import DataError
from oracle.logs import lines
from oracle.logs.lines import json_file, json_lines


def read(path):
    return list(json_lines(path))


def test_byte_order_mark_crlf_and_blank_lines_do_not_matter(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": "\xc3\xa9"}\r\n')
    assert read(path) == [(1, {"a": 1}), (3, {"a": "\N{LATIN SMALL LETTER E WITH ACUTE}"})]


def test_a_whole_last_line_needs_no_line_feed(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(b'{"a": 1}\n{"a": 2}')
    assert [line for line, _ in read(tmp_path / "log.jsonl")] == [1, 2]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b"\n \n", "only blank lines"),
        (b'{"a": 1}\n{"a": "tru', "line 2: cut off, as by a killed run"),
        (b'{"a": 1}\n{"a" 2}\n{"a": 3}\n', "line 2: no JSON: Expecting ':'"),
        (b'{"a": 1}\n[1]\n', "line 2: must hold a JSON object, got list"),
        (b'{"a": 1}\n{"a": "\xff"}\n', "line 2: no UTF-8 text .invalid start byte at byte 7"),
        (b"[" * 100_000, "line 1: no JSON"),
    ],
)
def test_what_cannot_be_read_names_file_and_line(tmp_path, content, match):
    (tmp_path / "log.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=match) as caught:
        read(tmp_path / "log.jsonl")
    assert "log.jsonl" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_beyond_the_limit_is_refused_before_it_is_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    (tmp_path / "log.jsonl").write_bytes(b'{"a": 1}\n{"a": "' + b"x" * 1000 + b'"}\n')
    with pytest.raises(DataError, match="line 2: longer than"):
        read(tmp_path / "log.jsonl")


def test_json_over_many_lines_names_the_line_too(tmp_path):
    (tmp_path / "log.json").write_text('{\n"a": 1,\n"b": }\n')
    with pytest.raises(DataError, match=r"log.json, line 3: no JSON: Expecting value"):
        json_file(tmp_path / "log.json")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DataError, match=r"no such log: .*absent\.jsonl"):
        read(tmp_path / "absent.jsonl")
