"""Lines of text files from anywhere, numbered; what is wrong names its file and line."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.rows import place

MAX_LINE_BYTES = 100 * 2**20


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line with its end); a byte order mark is dropped.

    Raises:
        DataError: if there is no such file, it is empty, or a line is no UTF-8 or above 100 MB.
    """
    if not path.is_file():
        raise DataError(f"no such log: {path}")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty")
    with path.open("rb") as file:
        for number in count(1):
            raw = file.readline(MAX_LINE_BYTES + 1)
            if not raw:
                return
            if len(raw) > MAX_LINE_BYTES:
                limit = MAX_LINE_BYTES / 2**20
                raise DataError(f"{place(path, number)}: longer than {limit:g} MB")
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as problem:
                raise DataError(
                    f"{place(path, number)}: no UTF-8 text ({problem.reason} at byte "
                    f"{problem.start} of the line)"
                ) from problem


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (number from 1, object) for every line of JSON; blank lines are passed over.

    Raises:
        DataError: as ``numbered_lines``, or if a line holds no JSON object, or none does.
    """
    empty = True
    for number, text in numbered_lines(path):
        if not text.strip():
            continue
        empty = False
        yield number, _object(text, path, number)
    if empty:
        raise DataError(f"{path} is empty: it has only blank lines")


def _object(text: str, path: Path, number: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        # Who writes line by line ends each with a line feed: without one, the writer was killed.
        if text.lstrip().startswith("{") and not text.endswith("\n"):
            raise DataError(
                f"{place(path, number)}: cut off, as by a killed run; remove this last line to "
                "use the others"
            ) from problem
        raise DataError(f"{place(path, number)}: no JSON: {problem}") from problem
    if not isinstance(value, dict):
        raise DataError(
            f"{place(path, number)}: must hold a JSON object, got {type(value).__name__}"
        )
    return value


def json_file(path: Path) -> Any:
    """Return what a file of JSON holds.

    Raises:
        DataError: as ``numbered_lines``, or if it is no JSON.
    """
    text = "".join(line for _, line in numbered_lines(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise DataError(f"{place(path, problem.lineno)}: no JSON: {problem.msg}") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path}: no JSON: {problem}") from problem
