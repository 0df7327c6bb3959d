"""Command lines of ``budget`` in a script of bash, found without running it, and parsed."""

import re
import shlex

import typer
from typer.core import TyperGroup

from experiments.cli import COMMANDS

_OPERATOR = re.compile(r"[|&;()\n]+")
_REDIRECT = re.compile(r"[<>]+&?")
_BEFORE_A_COMMAND = re.compile(r"do|then|else|!|time|until|while|if|\{|[A-Z_]+=.*")
_NO_VALUE = "$SAID"  # stands for what the shell puts in


def command_lines(script):
    """Return the words behind ``budget`` of every call in a script, also within ``$(...)``."""
    script = _without_documents(script).replace("\\\n", " ")
    script = re.sub(r'^([^"\n]*(?:"[^"\n]*"[^"\n]*)*?)(?<!\S)#.*$', r"\1", script, flags=re.M)
    script = re.sub(r"(?<!\S)\d(?=[<>])", "", script)
    found = []
    while inner := re.search(r"\$\(([^()]*)\)", script):
        found += command_lines(inner[1])
        script = script[: inner.start()] + _NO_VALUE + script[inner.end() :]
    return [*found, *_calls(script)]


def _calls(script):
    lexer = shlex.shlex(script, posix=True, punctuation_chars="|&;()<>\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    found, call, at_start, skip = [], None, True, False
    for word in lexer:
        if _OPERATOR.fullmatch(word):
            call, at_start, skip = None, True, False
        elif _REDIRECT.fullmatch(word):
            skip = True
        elif skip:
            skip = False
        elif at_start and _BEFORE_A_COMMAND.fullmatch(word):
            continue
        elif at_start:
            at_start, call = False, [] if word == "budget" else None
            found += [] if call is None else [call]
        elif call is not None:
            call.append(word)
    return found


def _without_documents(script):
    """Leave out what is written between ``<<'END'`` and ``END``."""
    return re.sub(r"<<'?(\w+)'?([^\n]*)\n.*?^\1$", r"\2", script, flags=re.M | re.S)


def find_command(words):
    """Return the command that words name, and the words behind its name."""
    if not words or words[0] not in COMMANDS:
        raise typer.BadParameter(f"no command {' '.join(words[:1])!r}")
    name, *rest = words
    command = COMMANDS[name].load(name)
    while isinstance(command, TyperGroup):
        if not rest or rest[0] not in command.commands:
            raise typer.BadParameter(f"'budget {name}' has no command {rest[:1]}")
        name = f"{name} {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


def parse(words):
    """Parse a call as ``budget`` does, but for values that the shell puts in; run nothing.

    Raises:
        typer.BadParameter: or another of its kind, if a command, an option or a value is not legal
            or something needed is not there.
    """
    if words in (["--help"], ["--version"]):
        return
    command, rest = find_command(words)
    if "--help" in rest or "..." in rest:
        rest = [word for word in rest if word not in ("--help", "...")]
        command.make_parser(typer.Context(command)).parse_args(rest)
        return
    command.make_context("budget", [word for word in rest if word != "..."])
