"""The command line as a user meets it: fast help, one-line refusals, nothing heavy on the way."""

import subprocess
import sys
import time
from importlib.metadata import version

import pytest
import typer

from experiments import cli
from experiments.lazy import LazyCommand, LazyGroup, help_style

HELP_SECONDS = 1.0  # what a user is promised
CROWDED = 3.0  # a shared machine may be this many times slower

COMMANDS = [
    [],
    ["demo"],
    ["ask"],
    ["cost"],
    ["bench"],
    ["bench", "model"],
    ["convert"],
    ["train"],
    ["scenes"],
    ["oracle"],
    ["oracle", "run"],
    ["policy"],
    ["policy", "fit"],
    ["policy", "evaluate"],
    ["policy", "tune"],
    ["policy", "promote"],
]


def budget(*words):
    """Run the command line in a fresh interpreter."""
    command = [sys.executable, "-m", "experiments.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(["budget", *words]))
def test_help_answers_within_a_second(words):
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        done = budget(*words, "--help")
        best = min(best, time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
        if best < HELP_SECONDS:
            break
    print(f"budget {' '.join(words)} --help: {best:.2f} s")  # noqa: T201
    assert done.stdout.startswith(f"Usage: budget {' '.join(words)}".strip())
    assert best < HELP_SECONDS * CROWDED


def test_root_help_lists_every_command_with_a_line():
    text = budget("--help").stdout
    for name, entry in cli.COMMANDS.items():
        assert f"  {name} " in text
        assert entry.help[:30] in text


def test_version_is_that_of_the_distribution():
    assert budget("--version").stdout.split() == ["matryoshka-budget", version("matryoshka-budget")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["dem"], "Did you mean 'demo'?"),
        (["--nope"], "No such option: --nope"),
        (["policy", "nonsense"], "No such command 'nonsense'"),
        (["ask", "missing.png", "What colour is it?"], "missing.png"),
        (["oracle", "run", "--nope"], "No such option: --nope"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(words, told):
    done = budget(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert told in done.stderr


def test_no_words_show_the_help():
    assert budget().stdout.startswith("Usage: budget")


def toy_module(tmp_path, monkeypatch, name, body):
    (tmp_path / f"{name}.py").write_text(body)
    monkeypatch.syspath_prepend(str(tmp_path))


def root_of(table):
    """Return the click command of a root whose commands are ``table``."""
    group = type("Toy", (LazyGroup,), {"table": table})
    app = typer.Typer(cls=group, add_completion=False, rich_markup_mode=None)
    app.callback()(lambda: None)
    return typer.main.get_command(app)


def test_only_the_command_asked_for_is_imported_and_wired(tmp_path, monkeypatch, capsys):
    toy_module(tmp_path, monkeypatch, "toy_good", "def greet(name: str): print('hello', name)\n")
    wired = []
    root = root_of(
        {
            "greet": LazyCommand("toy_good", "greet", "Greet.", lambda: wired.append("greet")),
            "broken": LazyCommand("toy_that_is_not_there", "app", "Never imported."),
        }
    )
    root.main(["greet", "--help"], standalone_mode=False)
    assert wired == []
    root.main(["greet", "ada"], standalone_mode=False)
    assert wired == ["greet"]
    assert capsys.readouterr().out.endswith("hello ada\n")
    assert "toy_that_is_not_there" not in sys.modules
    with pytest.raises(ModuleNotFoundError, match="toy_that_is_not_there"):
        root.main(["broken"], standalone_mode=False)


def test_an_app_gives_its_command_of_that_name_or_itself(tmp_path, monkeypatch, capsys):
    body = (
        "import typer\napp = typer.Typer()\n"
        "@app.command()\ndef one(): print('one')\n"
        "@app.command()\ndef two(): print('two')\n"
    )
    toy_module(tmp_path, monkeypatch, "toy_app", body)
    root = root_of(
        {
            "two": LazyCommand("toy_app", "app", "One command of it."),
            "all": LazyCommand("toy_app", "app", "All of it."),
        }
    )
    for words in (["two"], ["all", "one"]):
        root.main(words, standalone_mode=False)
    assert capsys.readouterr().out == "two\none\n"


def test_help_is_plain_in_a_pipe(monkeypatch, capsys):
    assert help_style() is None
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert help_style() == "rich"


@pytest.mark.parametrize(
    "error", [ValueError("tokens must be\nat least 1, got 0"), FileNotFoundError("no such file: x")]
)
def test_errors_of_a_command_leave_as_one_line(error, tmp_path, monkeypatch, capsys):
    body = f"def fail():\n    raise {type(error).__name__}({str(error)!r})\n"
    toy_module(tmp_path, monkeypatch, "toy_fails", body)
    monkeypatch.setitem(cli.COMMANDS, "demo", LazyCommand("toy_fails", "fail", "Fails."))
    monkeypatch.delitem(sys.modules, "toy_fails", raising=False)
    assert cli.run(["demo"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"budget: {' '.join(str(error).split())}\n"


def test_the_commands_know_the_scenes_and_the_readers():
    """What the packages may not import of each other is there once a command is wired."""
    statement = (
        "from experiments.cli import COMMANDS\n"
        "for entry in COMMANDS.values():\n"
        "    entry.wire and entry.wire()\n"
        "from budget import cli as runtime\n"
        "from policies.cli import get_readers\n"
        "scenes = get_readers().data('scenes', 'test', ['image'])\n"
        "readers = get_readers()\n"
        "print(len(scenes), runtime.policy_loader is not None)\n"
        "print(readers.curves.__name__, readers.about.__name__)\n"
    )
    patched = (
        "import experiments.scenes.data as data\n"
        "load = data.load_scenes\n"
        "data.load_scenes = lambda split, limit: load(split, 3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", patched + statement], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["3", "True", "read_curves", "read_metadata"], done.stderr


def test_what_a_command_returns_is_not_an_exit_code(tmp_path, monkeypatch):
    toy_module(tmp_path, monkeypatch, "toy_returns", "def count():\n    return 7\n")
    monkeypatch.setitem(cli.COMMANDS, "demo", LazyCommand("toy_returns", "count", "Returns."))
    assert cli.run(["demo"]) == 0
