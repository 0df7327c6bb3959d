"""What a user says of data: which columns are what, and where images lie.

Commands take it as flags through ``takes_data_choice``, so that all of them have the same.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

ROW_NUMBERS = "#row"

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class DataChoice:
    """Names of columns, where they are not to be guessed, and how data are read.

    Attributes:
        id: column of the ids; ``"#row"`` for row numbers.
        image: column of the images, or several with commas between.
        question: column of the questions.
        answers: column of the right answers.
        group: column of the groups.
        options: column of the options of multiple-choice questions.
        image_folder: where relative paths of images begin; by default beside the data.
        list_options: put options below the question.
        stream: read from the hub without downloading everything first.
    """

    id: str | None = None
    image: str | None = None
    question: str | None = None
    answers: str | None = None
    group: str | None = None
    options: str | None = None
    image_folder: Path | None = None
    list_options: bool = False
    stream: bool = False


def flag_of(role: str) -> str:
    """Return the flag that says which column plays a role; no text if there is none.

    Example:
        >>> flag_of("answers"), flag_of("patch_labels")
        ('--answers-column', '')
    """
    return f"--{role}-column" if role in _COLUMNS else ""


_PREFIX = "choice_"  # a command may have a parameter called group or options itself
_COLUMNS = {
    "id": f"Column of the ids; {ROW_NUMBERS} for row numbers; default: by its name.",
    "image": "Column of the images, or several: a,b; default: by its name.",
    "question": "Column of the questions; default: by its name.",
    "answers": "Column of the right answers; default: by its name.",
    "group": "Column of the groups; default: by its name.",
    "options": "Column of the options; default: by its name.",
}
_FOLDER = "Where relative paths of images begin; default: beside the data."
_LIST = "Put the options below the question, as lines 'A. ...'."
_STREAM = "Read a hub dataset while it is downloaded."


def takes_data_choice(
    *, stream: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a command the flags of a ``DataChoice``.

    The command's parameter ``choice`` is filled from them. It stands below ``@app.command()``.

    Args:
        stream: whether the command can read data whose length is unknown.
    """
    flags = _flags(stream)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(*args: Any, **words: Any) -> Any:
            given = {
                name: words.pop(f"choice_{name}") for name in flags if f"choice_{name}" in words
            }
            return command(*args, choice=DataChoice(**given), **words)

        signature = inspect.signature(command)
        own = [p for name, p in signature.parameters.items() if name != "choice"]
        added = [
            inspect.Parameter(
                _PREFIX + name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
            )
            for name, (kind, default) in flags.items()
        ]
        vars(run)["__signature__"] = signature.replace(parameters=[*own, *added])
        run.__annotations__ = {p.name: p.annotation for p in [*own, *added]}
        return run

    return decorate


def _flags(stream: bool) -> dict[str, tuple[Any, Any]]:
    """Return type and default of every flag, by field of ``DataChoice``."""
    flags: dict[str, tuple[Any, Any]] = {}
    for role, about in _COLUMNS.items():
        option = typer.Option(flag_of(role), help=about, show_default=False)
        flags[role] = (Annotated[str | None, option], None)
    folder = typer.Option("--image-folder", help=_FOLDER, show_default=False)
    flags["image_folder"] = (Annotated[Path | None, folder], None)
    flags["list_options"] = (Annotated[bool, typer.Option("--list-options", help=_LIST)], False)
    if stream:
        flags["stream"] = (Annotated[bool, typer.Option("--stream", help=_STREAM)], False)
    return {field.name: flags[field.name] for field in fields(DataChoice) if field.name in flags}
