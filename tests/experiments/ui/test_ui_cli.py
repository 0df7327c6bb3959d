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


def test_an_uploaded_file_is_found_where_it_lies(tmp_path, monkeypatch):
    from experiments.ui.picture import path_of, picture_field

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file = tmp_path / "scene.png"
    file.touch()
    moved = asyncio.run(picture_field().async_move_resource_to_block_cache(str(file)))
    assert path_of({"path": moved}) == str(file)
    assert path_of(None) is None


@pytest.mark.parametrize("name", ["secret.png", "uploads/../secret.png", "uploads/link.png", "\0"])
def test_a_file_that_was_not_uploaded_is_neither_read_nor_copied(name, tmp_path, monkeypatch):
    import gradio as gr

    from experiments.ui.picture import path_of, picture_field

    uploads = tmp_path / "uploads"
    uploads.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    (tmp_path / "secret.png").write_bytes(b"secret")
    (uploads / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(gr.Error, match="other files are not read"):
        asyncio.run(picture_field().async_move_resource_to_block_cache(f"{tmp_path}/{name}"))
    with pytest.raises(gr.Error, match="other files are not read"):
        path_of({"path": f"{tmp_path}/{name}"})
    assert [each.name for each in uploads.iterdir()] == ["link.png"]


def test_no_field_of_the_page_takes_a_file_that_was_not_uploaded(desk, tmp_path, monkeypatch):
    from gradio.context import LocalContext
    from gradio.exceptions import InvalidPathError
    from gradio.processing_utils import async_move_files_to_cache

    from experiments.ui.page import build_page

    uploads = tmp_path / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    (tmp_path / "secret.png").write_bytes(b"secret")
    sent = {"path": str(tmp_path / "secret.png"), "meta": {"_type": "gradio.FileData"}}

    async def take_each():  # Gradio makes a loop of its own where none runs
        page = build_page(desk, [])
        LocalContext.blocks.set(page)
        fields = {getattr(at, "elem_id", None): at for at in page.blocks.values()}
        for name in ("picture", "question", "tokens", "price"):
            with pytest.raises(InvalidPathError, match="not uploaded by a user"):
                await async_move_files_to_cache(sent, fields[name], check_in_upload_folder=True)

    asyncio.run(take_each())
    assert not uploads.exists()


@pytest.mark.parametrize(
    ("question", "place", "price", "said"),
    [
        (["a"], 1, 0.1, r"the question must be a text, got \['a'\]"),
        ("a", "1", 0.1, "place must be a whole number, got '1'"),
        ("a", 1.7, 0.1, "place must be a whole number, got 1.7"),
        ("a", float("inf"), 0.1, "place must be a whole number, got inf"),
        ("a", True, 0.1, "place must be a whole number, got True"),
        ("a", 1, None, "price must be a number, got None"),
        ("a", 1, "x" * 1000, r"price must be a number, got 'x{79} \.\.\."),
    ],
)
def test_what_no_widget_would_send_is_refused_in_one_line(question, place, price, said):
    import gradio as gr

    from experiments.ui.inputs import question_of, wish_of

    with pytest.raises(gr.Error, match=said):
        (question_of(question), wish_of(place, price))
    assert wish_of(2.0, 0) == (2, 0)


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
