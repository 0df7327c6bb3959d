"""Every command line in the pages and the README is one that the program takes."""

import re

import pytest
from command_lines import command_lines, find_command, parse
from page_blocks import DOCS, ROOT, SHELL, blocks_of
from typer.exceptions import TyperException

from experiments.cli import COMMANDS
from experiments.manual.commands import all_commands, commands_page

TEXTS = {
    **{path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))},
    "README": (ROOT / "README.md").read_text(encoding="utf-8"),
}


@pytest.mark.parametrize("page", TEXTS)
def test_every_command_of_a_page_is_legal(page):
    for block in blocks_of(TEXTS[page]):
        for words in command_lines(block.text) if block.kind in SHELL else []:
            try:
                parse(words)
            except TyperException as error:
                pytest.fail(f"budget {' '.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("page", TEXTS)
def test_commands_in_the_words_of_a_page_exist(page):
    """Of ``budget oracle run --rollouts`` in a sentence: the command and its options."""
    prose = re.sub(r"^```.*?^```$", "", TEXTS[page], flags=re.M | re.S)
    for line in re.findall(r"`budget ([a-z][^`]*)`", prose):
        command, rest = find_command(line.split())
        legal = {name for parameter in command.params for name in parameter.opts}
        named = {word for word in rest if word.startswith("--")}
        assert named <= legal | {"--help"}, line


def test_command_lines_are_found_wherever_they_stand():
    script = """budget ask a.png "Who's | there?" \\
  --tokens 3  # not budget convert
until budget cost m3 > x.json; do sleep 1; done & X=1 budget demo 2>&1 | tail
budget ask b.png Why --policy "$(budget policy promoted --path)"
cat <<'END'
budget nonsense
END
"""
    assert command_lines(script) == [
        ["policy", "promoted", "--path"],
        ["ask", "a.png", "Who's | there?", "--tokens", "3"],
        ["cost", "m3"],
        ["demo"],
        ["ask", "b.png", "Why", "--policy", "$SAID"],
    ]


@pytest.mark.parametrize(
    "line",
    ["nonsense", "policy nonsense", "ask a.png Why --tokenz 3", "ask a.png", "demo --fit many"],
)
def test_what_the_program_refuses_is_refused(line):
    with pytest.raises(TyperException):
        parse(line.split())


def test_the_page_of_commands_has_every_command_and_every_option():
    page = commands_page()
    sections = dict(re.findall(r"^##+ (budget [^\n]+)\n(.*?)(?=^##|\Z)", page, flags=re.M | re.S))
    entries = list(all_commands())
    assert {words[1] for words, _ in entries} == set(COMMANDS)
    for words, command in entries:
        said = sections[" ".join(words)]
        for parameter in command.params:
            name = parameter.opts[-1] if parameter.param_type_name == "option" else parameter.name
            assert name.lower() in said.lower(), (words, name)
