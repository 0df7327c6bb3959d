import json

import pytest

from budget.proxy.dialects import make_dialect
from budget.proxy.knobs import as_sizes, parse_knobs
from budget.proxy.upstream import parse_upstream


def test_names_are_joined_rung_by_rung():
    texts = ["max_soft_tokens=70,280", 'mode="a","b"']
    assert parse_knobs(texts, None, 2) == (
        {"max_soft_tokens": 70, "mode": "a"},
        {"max_soft_tokens": 280, "mode": "b"},
    )


def test_a_file_says_whole_objects(tmp_path):
    knobs = [{"do_image_splitting": False}, {"size": {"longest_edge": 728}}, {}]
    (tmp_path / "k.json").write_text(json.dumps(knobs))
    assert parse_knobs([], tmp_path / "k.json", 3) == tuple(knobs)


@pytest.mark.parametrize(
    ("texts", "content", "message"),
    [
        ([], None, "what each rung means"),
        (["a=1,2"], "[]", "what each rung means"),
        (["a=1,2,3"], None, "2 rungs, so as many values are needed, got 3"),
        (["a"], None, "written name=value"),
        (["a b=1,2"], None, "written name=value"),
        (["a=1,2", "a=1,2"], None, "once a name"),
        (["a=1,2", "b=1"], None, "as many values for each name"),
        (["a=one,two"], None, "numbers, true or false"),
        ([], "[1, 2]", "must be a list of objects"),
        ([], '{"a": 1}', "must be a list of objects"),
        ([], "[{}", "is not JSON"),
        ([], "[{}]", "got 1"),
    ],
)
def test_what_does_not_say_one_thing_a_rung_is_refused(tmp_path, texts, content, message):
    file = None
    if content is not None:
        file = tmp_path / "k.json"
        file.write_text(content)
    with pytest.raises(ValueError, match=message):
        parse_knobs(texts, file, 2)


@pytest.mark.parametrize(
    "knobs",
    [
        [{"max_pixels": 9}, {"max_pixels": 4}],
        [{"max_pixels": 0}],
        [{"max_pixels": True}],
        [{"max_pixels": 4.0}],
        [{"max_pixels": 4}, {"longest_side": 9}],
        [{"size": 4}],
        [{}],
    ],
)
def test_sizes_must_be_of_one_kind_and_rise(knobs):
    with pytest.raises(ValueError, match=r"max_pixels"):
        as_sizes(knobs)


def test_a_dialect_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="vllm, transformers, resize, got 'sglang'"):
        make_dialect("sglang", [{}], 1)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://models.test/team/v1", "https://models.test/team"),
    ],
)
def test_an_upstream_is_a_place_without_v1(url, found):
    assert str(parse_upstream(url)).rstrip("/") == found


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://a", "http://", "http://u:p@a", "http://a:x"]
)
def test_what_is_no_upstream_is_refused(url):
    with pytest.raises(ValueError, match="must be such as"):
        parse_upstream(url)
