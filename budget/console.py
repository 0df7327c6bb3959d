"""How every command speaks: one line for an error, calm output, JSON last.

On a terminal tables and progress bars are drawn by rich; in a pipe they are plain text. Progress
and errors go to stderr, results to stdout.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import typer

from budget.errors import BudgetError

Update = Callable[[int, int | None], None]

_QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "DATASETS_VERBOSITY": "error",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
_kept_lines: ContextVar[list[dict[str, Any]] | None] = ContextVar("_kept_lines", default=None)
_NOISY = ("transformers", "datasets", "huggingface_hub", "lightgbm", "matplotlib")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn bad input into one line on stderr and exit code 2; also a decorator.

    Caught are ``BudgetError``, ``ValueError``, ``OSError`` and ``ImportError``. With
    ``BUDGET_TRACEBACK=1`` in the environment they pass through.

    Raises:
        typer.Exit: with code 2, in the place of what was caught.
    """
    try:
        yield
    except (BudgetError, ValueError, OSError, ImportError) as problem:
        if os.environ.get("BUDGET_TRACEBACK"):
            raise
        typer.echo(f"budget: {one_line(problem)}", err=True)
        raise typer.Exit(2) from None


def one_line(problem: BaseException) -> str:
    r"""Return what went wrong without line breaks, and without an error number.

    Example:
        >>> one_line(ValueError("m must be one of\n  1, 9"))
        'm must be one of 1, 9'
        >>> one_line(FileNotFoundError(2, "No such file or directory", "x.png"))
        'no such file or directory: x.png'
    """
    if isinstance(problem, OSError) and problem.strerror and problem.filename is not None:
        return f"{problem.strerror[0].lower()}{problem.strerror[1:]}: {problem.filename}"
    return " ".join(str(problem).split()) or type(problem).__name__


def quiet_libraries() -> None:
    """Silence warnings and progress bars of the libraries below; call it first in a command."""
    import logging
    import warnings

    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what it cannot read is reported by us
    if (loaded := sys.modules.get("datasets")) is not None:
        loaded.disable_progress_bars()
    warnings.simplefilter("ignore")


@contextmanager
def progress(description: str, unit: str = "") -> Iterator[Update]:
    """Show how far something is, on stderr: a bar on a terminal, a line per tenth in a pipe.

    Where the total is unknown, the line comes when a count's leading digit has changed.

    Args:
        description: what is being done.
        unit: what is counted, e.g. ``"answers"``.

    Yields:
        A function to call with (done, total), the total ``None`` while it is unknown.
    """
    if not sys.stderr.isatty():
        yield _plain_progress(description, unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    label = TextColumn("{task.description}")
    counts = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), Remaining())
    with Progress(label, *counts, console=Console(stderr=True)) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def say(note: str) -> None:
    """Print one line to stderr: what a user should know and need not act on."""
    typer.echo(" ".join(note.split()), err=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Print a table to stdout: boxed on a terminal, aligned columns in a pipe.

    Args:
        columns: one heading per column; the first column is aligned left, the others right.
        rows: cells, shown as ``str`` gives them.
        title: a line above the table.

    Raises:
        ValueError: if a row has not one cell per column.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    if odd := [row for row in cells if len(row) != len(columns)]:
        raise ValueError(f"a row needs {len(columns)} cells, got {odd[0]}")
    if not sys.stdout.isatty():
        typer.echo(_plain_table(columns, cells, title))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None)
    for i, name in enumerate(columns):
        table.add_column(name, justify="right" if i else "left")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))  # texts of a model are no markup
    Console().print(table)


def print_json_line(values: Mapping[str, Any]) -> None:
    """Print one line of JSON to stdout; what is not finite becomes null, arrays become lists."""
    plain = plain_values(values)
    if (kept := _kept_lines.get()) is not None:
        kept.append(plain)
    typer.echo(json.dumps(plain, allow_nan=False))


@contextmanager
def kept_json_lines() -> Iterator[list[dict[str, Any]]]:
    """Collect what :func:`print_json_line` prints meanwhile, for whoever runs a command.

    Yields:
        The objects printed so far, as JSON has them.
    """
    lines: list[dict[str, Any]] = []
    token = _kept_lines.set(lines)
    try:
        yield lines
    finally:
        _kept_lines.reset(token)


def plain_values(value: Any) -> Any:
    """Return a value as JSON knows it: what is not finite becomes null, arrays become lists."""
    if isinstance(value, Mapping):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return plain_values(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> str:
    flat = [[" ".join(cell.split()) for cell in row] for row in [columns, *rows]]
    widths = [max(len(row[i]) for row in flat) for i in range(len(columns))]
    lines = [
        "  ".join(
            c.rjust(w) if i else c.ljust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in flat
    ]
    return "\n".join(([title] if title else []) + [line.rstrip() for line in lines])


def _plain_progress(description: str, unit: str) -> Update:
    shown = -1

    def update(done: int, total: int | None) -> None:
        nonlocal shown
        if total is None:
            step = 10 * len(str(done)) + int(str(done)[0])
        else:
            step = 10 * done // total if total else 10
        if step > shown:
            shown = step
            of = "" if total is None else f"/{total}"
            typer.echo(f"{description}: {done}{of} {unit}".rstrip(), err=True)

    return update
