"""Files that are one JSON list of objects, such as LLaVA's conversations."""

import mmap
import re
from array import array
from pathlib import Path

from budget.errors import DataError
from oracle.sources.json_lines import open_json_lines, parse_object, with_seen_columns
from oracle.sources.text_rows import TextRows

_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)


def open_json(path: Path) -> TextRows:
    """Return the rows of a list of objects, or of JSON lines in a file called ``.json``.

    Raises:
        DataError: if the file holds neither, or is cut off.
    """
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"["):
        if re.match(rb"\{\s*\n", head):
            raise DataError(f"{path} must hold a list of objects or one object a line, got one")
        return open_json_lines(path)
    return with_seen_columns(TextRows(path, _offsets(path), parse_object, []))


def _offsets(path: Path) -> "array[int]":
    """Return where every object of the list begins, and the end of the file."""
    offsets, depth = array("Q"), 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for found in _STRING_OR_BRACKET.finditer(content):
            mark = found[0]
            if mark in (b"{", b"["):
                depth += 1
                if depth == 2:
                    offsets.append(found.start())
            elif mark in (b"}", b"]"):
                depth -= 1
        end = len(content)
    if depth:
        raise DataError(f"{path} is cut off: {depth} brackets are never closed")
    if not offsets:
        raise DataError(f"{path} has no rows: its list holds no objects")
    offsets.append(end)
    return offsets
