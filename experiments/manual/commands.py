"""The page of all commands, from the very objects that parse them, so that it cannot drift."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup

from experiments.cli import COMMANDS

HEAD = """# Commands

Taken from the commands themselves; `budget COMMAND --help` says the same. Bad input leaves as one
line on stderr and exit code 2, and the last line of every command that measures something is one
line of JSON. `budget --version` tells the version. With `BUDGET_TRACEBACK=1` in the environment an
error shows where it came from.
"""


class Entry(NamedTuple):
    """A command that can be run.

    Attributes:
        words: what is typed, e.g. ``("budget", "oracle", "run")``.
        command: what parses and runs it.
    """

    words: tuple[str, ...]
    command: TyperCommand


def all_commands() -> Iterator[Entry]:
    """Yield every command, in the order in which ``budget --help`` lists them."""
    for name, entry in COMMANDS.items():
        yield from _commands_of(("budget", name), entry.load(name))


def _commands_of(words: tuple[str, ...], command: TyperCommand | TyperGroup) -> Iterator[Entry]:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _commands_of((*words, name), cast("TyperCommand | TyperGroup", inner))
    else:
        yield Entry(words, command)


def commands_page() -> str:
    """Return the page, as Markdown: a section a command, with its usage, words and options."""
    helps = {name: entry.help for name, entry in COMMANDS.items()}
    return "\n".join([HEAD, *_sections(helps)])


def _sections(helps: Mapping[str, str]) -> Iterator[str]:
    group = ""
    for words, command in all_commands():
        if len(words) > 2 and words[1] != group:
            group = words[1]
            yield f"## budget {group}\n\n{_prose(helps[group])}\n"
        yield f"{'#' * len(words)} {' '.join(words)}\n\n{_body(Entry(words, command))}"


def _body(entry: Entry) -> str:
    context = typer.Context(entry.command, info_name=" ".join(entry.words))
    usage = " ".join([*entry.words, *entry.command.collect_usage_pieces(context)])
    rows = [
        record
        for parameter in entry.command.get_params(context)
        if (record := parameter.get_help_record(context)) and record[0] != "--help"
    ]
    table = [
        "| option | meaning |",
        "|---|---|",
        *(f"| {_name(name)} | {_cell(text)} |" for name, text in rows),
    ]
    words = _prose(entry.command.help or "")
    return "\n".join([words, "", "```text", usage, "```", "", *(table if rows else []), ""])


def _name(name: str) -> str:
    """Return an option as code; a bar would end the table's cell."""
    return f"`{name}`".replace("|", "\\|")


def _cell(text: str) -> str:
    return _prose(text).replace("\n", " ").replace("|", "\\|")


def _prose(text: str) -> str:
    """Return help as Markdown that shows every character as it stands in the help."""
    plain = inspect.cleandoc(text).replace("``", "`")
    return re.sub(r"(?<![\\`])([<>*_\[\]#])", r"\\\1", plain)
