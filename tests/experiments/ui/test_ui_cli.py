"""The field for a picture, and what the command refuses."""

import asyncio
import importlib.util

import pytest

from experiments.cli import run


@pytest.mark.parametrize("address", ["http://192.0.2.1/a.png", "ftp://192.0.2.1/a.png"])
def test_an_address_in_the_place_of_a_file_is_not_fetched(address):
    import gradio as gr

    from experiments.ui.picture import picture_field

    with pytest.raises(gr.Error, match="addresses are not fetched"):
        asyncio.run(picture_field().async_move_resource_to_block_cache(address))


def test_an_uploaded_file_is_found_where_it_lies(scenes):
    from experiments.ui.picture import path_of, picture_field

    field = picture_field()
    moved = asyncio.run(field.async_move_resource_to_block_cache(str(scenes[0].path)))
    with open(path_of({"path": moved}), "rb") as file:
        assert file.read() == scenes[0].path.read_bytes()
    assert path_of(None) is None


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--model", "nowhere"), "no such model"),
        (("--policy", "nowhere"), "no policy folder nowhere"),
        (("--host", "192.0.2.1"), "cannot listen on 192.0.2.1"),
        (("--ladder", "9,1"), "--ladder must be rising numbers"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_exit_code_2(words, text, capsys, monkeypatch):
    for name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")  # set back at the end: the command sets them
    assert run(["ui", "--port", "0", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert text in said.err
    assert said.err.count("\n") == 1


def test_without_the_extra_it_says_how_to_have_it(capsys, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name, *more: None if name == "gradio" else found(name, *more),
    )
    assert run(["ui", "--model", "nowhere"]) == 2
    assert "pip install 'matryoshka-budget[ui]'" in capsys.readouterr().err
