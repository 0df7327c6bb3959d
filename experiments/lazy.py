"""A group of commands that imports a command's module only when that command is asked for."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Literal, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


def help_style() -> Literal["rich"] | None:
    """Return how help is drawn: in boxes on a terminal, as plain text in a pipe."""
    return "rich" if sys.stdout.isatty() else None


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command lives, and what is known about it without importing it.

    Attributes:
        module: dotted name of the module, imported on use.
        attribute: a ``typer.Typer`` or a plain function in that module. Of an app that has a
            command under the name asked for, only that command is taken; otherwise the whole app
            becomes a sub-group.
        help: one line for the list of commands.
        wire: called before the command runs, but not for its ``--help``.
    """

    module: str
    attribute: str
    help: str
    wire: Callable[[], None] | None = None

    def load(self, name: str) -> TyperCommand | TyperGroup:
        """Import the module and return the command called ``name``.

        Raises:
            ImportError: if the module or something that it needs is not installed.
        """
        target = getattr(import_module(self.module), self.attribute)
        if isinstance(target, typer.Typer):
            target.rich_markup_mode = help_style()
            group = get_group(target)
            return cast("TyperCommand | TyperGroup", group.commands.get(name, group))
        alone = typer.Typer(add_completion=False, rich_markup_mode=help_style())
        alone.command(name)(target)
        return cast("TyperCommand", get_command(alone))


class LazyGroup(TyperGroup):
    """Lists its commands from a table; subclasses set ``table``."""

    table: ClassVar[Mapping[str, LazyCommand]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, entry in self.table.items():
            self.add_command(TyperCommand(name, help=entry.help))

    def resolve_command(
        self, ctx: Any, args: list[str]
    ) -> tuple[str | None, TyperCommand | TyperGroup | None, list[str]]:
        """Put the real command in the place of the line that stands for it in the list."""
        name, _, rest = super().resolve_command(ctx, args)
        if name is None:
            return None, None, rest
        entry = self.table[name]
        command = entry.load(name)
        if entry.wire is not None and "--help" not in rest:
            entry.wire()
        return name, command, rest
