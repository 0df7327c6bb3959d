"""Files with one JSON object a line."""

import json
from array import array
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.sources.text_rows import TextRows

_LOOKED_AT = 100  # rows; a column that none of them has is not seen


def open_json_lines(path: Path) -> TextRows:
    """Return the rows of a file of JSON lines; blank lines are none.

    Raises:
        DataError: if there is no line, or one of the first hundred or the last is no object.
    """
    offsets, position = array("Q"), 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                offsets.append(position)
            position += len(line)
    if not offsets:
        raise DataError(f"{path} is empty: it has only blank lines")
    offsets.append(position)
    return with_seen_columns(TextRows(path, offsets, parse_object, []))


def with_seen_columns(rows: TextRows) -> TextRows:
    """Return rows of JSON with the columns that the first hundred and the last have.

    Raises:
        DataError: if one of these rows is no object.
    """
    seen: dict[str, None] = {}
    parse = rows.parse

    def look(text: str) -> dict[str, Any]:
        record = parse(text)
        seen.update(dict.fromkeys(record))
        return record

    rows.parse = look
    rows.read([*range(min(len(rows), _LOOKED_AT)), len(rows) - 1], ())
    rows.parse = parse
    rows.column_names = list(seen)
    return rows


def parse_object(text: str) -> dict[str, Any]:
    """Return the JSON object that a text begins with; blanks and a comma may follow.

    Raises:
        ValueError: if there is none.
    """
    text = text.strip()
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except ValueError as problem:
        raise ValueError(f"no JSON: {problem}") from problem
    if text[end:].strip(" \t\r\n,]"):
        raise ValueError(f"no JSON: more behind the object: {text[end : end + 40]!r}")
    if not isinstance(value, dict):
        raise ValueError(f"must be a JSON object, got {type(value).__name__}")
    return value
