import json

import pytest

from budget.models import find_model, load_model, model_files
from budget.remote.address import parse_address
from budget.remote.settings import api_key, read_settings
from budget.shipped import shipped_folder


def test_an_address_has_a_url_a_name_and_settings():
    found = parse_address("openai:https://h/api/v1/#org/name:7b?knob=a=1,2&knob=b=3,4&timeout_s=3")
    assert (found.url, found.name) == ("https://h/api/v1", "org/name:7b")
    assert found.said == (("knob", "a=1,2"), ("knob", "b=3,4"), ("timeout_s", "3"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("openai:http://h/v1", "written openai:URL#name"),
        ("openai:#m3", "written openai:URL#name"),
        ("openai:ftp://h/v1#m3", "written openai:URL#name"),
        ("openai:http://h:port/v1#m3", "cannot be read"),
        ("openai:http://h:99999/v1#m3", "cannot be read"),
        ("openai:http://h/v1#m3?concurrency", "name=value&name=value"),
    ],
)
def test_what_is_no_address_is_refused(text, why):
    with pytest.raises(ValueError, match=why):
        load_model(text)


@pytest.mark.parametrize("text", ["openai:http://u:s3cret@h/v1#m", "openai:http://h/v1?k=s3cret#m"])
def test_a_secret_in_an_address_is_refused_and_not_repeated(text):
    with pytest.raises(ValueError, match="api_key_env") as refused:
        load_model(text)
    assert "s3cret" not in str(refused.value)


def test_settings_mean_the_same_in_an_address_a_file_and_as_arguments(tmp_path):
    file = tmp_path / "odd.json"
    knobs = [{"max_pixels": 100}, {"max_pixels": 400}]
    values = {"dialect": "vllm", "ladder": [16, 64], "knobs": knobs, "concurrency": 3}
    file.write_text(json.dumps(values))
    by_file = read_settings([("settings", str(file))])
    text = "openai:http://h/v1#m?dialect=vllm&ladder=16,64&knob=max_pixels=100,400&concurrency=3"
    assert by_file == read_settings(parse_address(text).said) == read_settings([], values)
    assert by_file.ladder == (16, 64)
    assert read_settings([("settings", str(file))], {"timeout_s": 1.5}).timeout_s == 1.5


@pytest.mark.parametrize(
    ("said", "given", "why"),
    [
        ([("speed", "3")], {}, "speed of a served model: .*; known are dialect, ladder"),
        ([("concurrency", "0")], {}, "concurrency of a served model: .* greater than or equal"),
        ([("timeout_s", "inf")], {}, "timeout_s of a served model: .*finite"),
        ([("dialect", "sglang")], {}, "dialect of a served model: .*'budget', 'vllm'"),
        ([("ladder", "1,x")], {}, "ladder.1 of a served model: .*integer"),
        ([("concurrency", "2"), ("concurrency", "3")], {}, "concurrency .* said twice"),
        ([("concurrency", "2")], {"concurrency": 3}, "concurrency .* said twice"),
        ([("knob", "max_pixels")], {}, "--knob is written|knob is written"),
    ],
)
def test_a_setting_that_is_not_legal_is_refused(said, given, why):
    with pytest.raises(ValueError, match=why):
        read_settings(said, given)


def test_a_key_comes_from_the_environment_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "for another server")
    monkeypatch.setenv("MY_KEY", "mine")
    assert api_key(read_settings([])) is None
    assert api_key(read_settings([("api_key_env", "MY_KEY")])) == "mine"
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(ValueError, match="no variable 'MY_KEY'"):
        api_key(read_settings([("api_key_env", "MY_KEY")]))


def test_a_served_model_has_no_folder():
    assert model_files("openai:http://h/v1#m3") is None
    assert model_files("m3") == shipped_folder("m3")
    with pytest.raises(Exception, match="served elsewhere"):
        find_model("openai:http://h/v1#m3")
    with pytest.raises(ValueError, match="dialect belong to a served model"):
        load_model("m3", dialect="vllm")
