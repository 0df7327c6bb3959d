"""A hash that tells whether data are the same as before, without decoding an image."""

import hashlib
import json
from os.path import getsize, isfile  # unlike Path.is_file, they take any text
from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError
from oracle.data import table_of
from oracle.image_values import path_of
from oracle.question_stream import QuestionStream
from oracle.question_table import QuestionTable

if TYPE_CHECKING:
    from datasets import Dataset

_TOLD = ("id", "question", "answers", "options")
_AT_ONCE = 32  # rows; their images' bytes are in memory together


def fingerprint(dataset: "QuestionTable | QuestionStream | Dataset") -> str:
    """Return a hash of ids, questions, answers, options and images, in order.

    Of an image that the data hold, all bytes count; of one in a file, its path as the data give
    it and its size, so that copies elsewhere have the same hash. A row that cannot be read counts
    as such. Of a stream, where it comes from counts, not its rows.
    """
    if isinstance(dataset, QuestionStream):
        return dataset.fingerprint()
    table = dataset if isinstance(dataset, QuestionTable) else table_of(dataset)
    digest = hashlib.sha256()
    for chunk in table.chunks(_AT_ONCE):
        for line in _lines(chunk):
            digest.update(line)
    return digest.hexdigest()


def _lines(chunk: QuestionTable) -> list[bytes]:
    """Return one line a row; if the rows cannot be read together, each on its own."""
    told = chunk.select_columns([name for name in _TOLD if name in chunk.column_names])
    pictured = "image" in chunk.reader.column_names
    try:
        rows = told[:]
        images = chunk.raw_images(range(len(chunk))) if pictured else [[]] * len(chunk)
    except DataError:
        if len(chunk) == 1:
            return [b"unreadable\n"]
        return [line for one in chunk.chunks(1) for line in _lines(one)]
    folder = chunk.reader.folder
    found = []
    for i, values in enumerate(images):
        line = [[rows[name][i] for name in rows], [_key(value, folder) for value in values]]
        found.append(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return found


def _key(value: Any, folder: Path) -> list[Any]:
    """Return what an image is known by."""
    if isinstance(value, dict):
        content = value.get("bytes")
        value = value.get("path") if content is None else content
    if isinstance(value, bytes):
        return ["bytes", hashlib.sha256(value).hexdigest()]
    if (path := path_of(value, folder)) is None:
        return ["text", hashlib.sha256(str(value).encode()).hexdigest()]
    return ["path", value, getsize(path) if isfile(path) else None]
