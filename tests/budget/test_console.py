import json
import warnings

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from budget.console import (
    kept_json_lines,
    one_line_errors,
    print_json_line,
    print_table,
    progress,
    quiet_libraries,
)
from budget.errors import DataError


def fail_with(problem):
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    @one_line_errors()
    def command(word: str = "x"):
        """A command with an option, to see that the decorator keeps it."""
        raise problem

    return CliRunner().invoke(app, ["--word", "y"])


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (DataError("lacks the column\n  answers"), "budget: lacks the column answers\n"),
        (ValueError("m must be 1, got 0"), "budget: m must be 1, got 0\n"),
        (FileNotFoundError(2, "No such file", "a.png"), "budget: no such file: a.png\n"),
        (ImportError("needs mlflow"), "budget: needs mlflow\n"),
        (ValueError(), "budget: ValueError\n"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(problem, line):
    result = fail_with(problem)
    assert (result.exit_code, result.stderr, result.stdout) == (2, line, "")


def test_a_mistake_in_the_program_keeps_its_traceback(monkeypatch):
    assert isinstance(fail_with(KeyError("x")).exception, KeyError)
    monkeypatch.setenv("BUDGET_TRACEBACK", "1")
    assert isinstance(fail_with(DataError("x")).exception, DataError)


def test_a_table_in_a_pipe_is_aligned_text(capsys):
    print_table(("scale", "accuracy"), [(1, 0.5), (576, "a\nb")], "title")
    assert capsys.readouterr().out.splitlines() == [
        "title",
        "scale  accuracy",
        "1           0.5",
        "576         a b",
    ]


def test_a_table_on_a_terminal_shows_brackets_as_they_are(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("a", "b"), [("x", "[red]not markup[/red]")])
    assert "[red]not markup[/red]" in capsys.readouterr().out


def test_a_row_needs_one_cell_per_column():
    with pytest.raises(ValueError, match=r"2 cells, got \['1'\]"):
        print_table(("a", "b"), [(1,)])


def test_json_is_one_line_of_plain_values(capsys):
    values = {"a": np.float64(0.5), "b": np.arange(2), "c": float("nan"), "d": (True, None, "x\ny")}
    print_json_line(values)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"a": 0.5, "b": [0, 1], "c": None, "d": [True, None, "x\ny"]}


def test_progress_without_a_total_says_when_the_leading_digit_changes(capsys):
    with progress("sweep", "answers") as update:
        for done in range(5, 260, 5):
            update(done, None)
    said = [line.split() for line in capsys.readouterr().err.splitlines()]
    numbers = ["5", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100", "200"]
    assert said == [["sweep:", number, "answers"] for number in numbers]


def test_progress_in_a_pipe_is_a_line_per_tenth_on_stderr(capsys):
    with progress("sweep", "answers") as update:
        for done in range(1, 1001):
            update(done, 1000)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert len(lines) == 11
    assert lines[-1] == "sweep: 1000/1000 answers"


def test_quiet_libraries_does_not_decide_about_the_network(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with warnings.catch_warnings():
        quiet_libraries()
        warnings.warn("nobody hears this", stacklevel=1)
    import os

    assert "HF_HUB_OFFLINE" not in os.environ
    assert os.environ["TRANSFORMERS_VERBOSITY"] == "error"


def test_lines_of_json_are_kept_for_whoever_asks_and_printed_all_the_same(capsys):
    print_json_line({"before": 1})
    with kept_json_lines() as outer:
        print_json_line({"a": np.float64("nan"), "b": np.arange(2)})
        with kept_json_lines() as inner:
            print_json_line({"c": 1})
    print_json_line({"after": 1})
    assert outer == [{"a": None, "b": [0, 1]}]
    assert inner == [{"c": 1}]
    assert len(capsys.readouterr().out.splitlines()) == 4
