from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from budget.console import one_line_errors
from budget.data_choice import DataChoice, takes_data_choice


def app_with(**how):
    """A command with the flags, and one of its own that is called like a column."""
    app, seen = typer.Typer(), []

    @app.command()
    @one_line_errors()
    @takes_data_choice(**how)
    def run(choice: DataChoice, group: Annotated[str, typer.Option()] = "none") -> None:
        seen.append((choice, group))

    return app, seen


def test_flags_fill_the_choice_and_leave_the_commands_own_alone():
    app, seen = app_with()
    words = ["--id-column", "a", "--image-column", "b,c", "--image-folder", "p", "--group", "g"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert seen == [(DataChoice(id="a", image="b,c", image_folder=Path("p")), "g")]


def test_without_flags_nothing_is_chosen():
    app, seen = app_with()
    assert CliRunner().invoke(app, []).exit_code == 0
    assert seen == [(DataChoice(), "none")]


@pytest.mark.parametrize("stream", [False, True])
def test_only_who_can_read_streams_has_the_flag(stream):
    app, seen = app_with(stream=stream)
    code = CliRunner().invoke(app, ["--stream"]).exit_code
    assert (code, seen) == ((0, [(DataChoice(stream=True), "none")]) if stream else (2, []))
