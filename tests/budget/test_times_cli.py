import json

import pytest
import typer
from typer.testing import CliRunner

from budget.time_model import read_times
from budget.times_cli import times

SMALL = ("--batch-size", "2", "--longest", "20", "--repeats", "1", "--held-out", "2")


@pytest.fixture
def app():
    found = typer.Typer()
    found.command()(times)
    return found


def test_it_measures_prints_and_writes(tmp_path, app):
    out = tmp_path / "new" / "times.json"
    result = CliRunner().invoke(app, ["m3", *SMALL, "--new-tokens", "4", "--out", str(out)])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout.splitlines()[-1])
    written = read_times(out)
    assert (said["model"], said["max_rows"], said["max_length"]) == ("m3", 2, 20)
    assert (said["written"], said["threads"]) == (str(out), written.machine.threads)
    assert said["prefill_error"] == round(written.prefill_error.median, 4)
    assert written.new_tokens == 4
    assert f"images {written.encode.fixed:.3g}" in result.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("nope",), "nope"),
        (("m3", "--device", "abacus"), "device 'abacus' cannot be used here"),
        (("m3", "--dtype", "int8"), "--dtype must be one of"),
    ],
)
def test_bad_options_are_one_line(app, words, line):
    result = CliRunner().invoke(app, [*words, *SMALL])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("budget: ")
    assert line in result.stderr
