"""From what data hold of an image to what a model takes: nothing, one image, or a list.

Data hold bytes, a path, base64 (bare or as a data URL), a dict of bytes and path as ``datasets``
has it, lists of these, or nothing.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError
from budget.pictures import as_shown, open_image
from oracle.lists_in_text import texts_in

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST_PATH = 4096
_SHORTEST_BASE64 = 40  # characters; the smallest image takes some 30 bytes
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_DATA_URL = re.compile(r"data:[^,]{0,100};base64,")


def show(values: Sequence[Any], folder: Path) -> "Image | list[Image] | None":
    """Return the images of one row: None if it has none, one image, or several in a list.

    Args:
        values: what the row's image columns hold.
        folder: where relative paths begin.

    Raises:
        DataError: if one cannot be read, or is none of what is legal.
    """
    images = [_open(value, folder) for value in flat(values)]
    if not images:
        return None
    return images[0] if len(images) == 1 else images


def flat(values: Sequence[Any]) -> list[Any]:
    """Return the single images in values that may be lists, and None or "" for no image."""
    single: list[Any] = []
    for value in values:
        listed = texts_in(value) if isinstance(value, str) else None
        if isinstance(value, list | tuple):
            single += flat(value)
        elif listed is not None:
            single += flat(listed)
        elif not _is_nothing(value):
            single.append(value)
    return single


def path_of(value: Any, folder: Path) -> Path | None:
    """Return where an image lies; None if it is not in a file of its own."""
    if isinstance(value, dict):
        value = None if value.get("bytes") is not None else value.get("path")
    if not isinstance(value, str) or "://" in value or base64_in(value) is not None:
        return None
    return folder / value


def base64_in(text: str) -> str | None:
    """Return the base64 of an image in a text, None if the text is a path.

    Example:
        >>> base64_in("data:image/gif;base64,R0lGOD"), base64_in("pictures/1.png")
        ('R0lGOD', None)
    """
    if match := _DATA_URL.match(text):
        return text[match.end() :]
    long = len(text) >= _SHORTEST_BASE64 and "." not in text
    return text if long and _BASE64.fullmatch(text) else None


def _is_nothing(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("bytes") is None and value.get("path") is None
    return value is None or (isinstance(value, str) and not value.strip())


def _open(value: Any, folder: Path) -> "Image":
    if isinstance(value, dict) and set(value) <= {"bytes", "path"}:
        content = value.get("bytes")
        value = value.get("path") if content is None else content
    if isinstance(value, bytes):
        return open_image(value)
    if not isinstance(value, str):
        raise DataError(f"an image must be bytes, base64 or a path, got {type(value).__name__}")
    if (encoded := base64_in(value)) is not None:
        return open_image(_decoded(encoded))
    if "://" in value:
        return _fetched(value)
    if len(value) > _LONGEST_PATH:
        raise DataError(f"neither base64 nor a path: {value[:40]!r}, {len(value):,} characters")
    return open_image(folder / value)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as problem:
        raise DataError(f"the image is no base64: {problem}") from problem


def _fetched(address: str) -> "Image":
    """Return an image that a streamed dataset keeps on the hub; nothing else is fetched."""
    if not address.startswith(("hf://", "zip://")):
        raise DataError(f"{address:.200} is an address; download the image and give its path")
    from datasets import Image

    try:
        image = Image().decode_example({"bytes": None, "path": address})
    except Exception as problem:  # the hub's client raises dozens of kinds
        raise DataError(f"{address} cannot be read: {problem}") from problem
    return as_shown(image, name=address)
