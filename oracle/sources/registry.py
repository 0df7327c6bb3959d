"""Which source reads what: by how the word looks, then by what is in it."""

from collections.abc import Callable, Sequence
from functools import partial
from glob import glob, has_magic
from os.path import exists, isdir, isfile  # unlike Path.is_file, they take any text
from pathlib import Path

from budget.errors import DataError
from oracle.sources.conversations import ConversationRows, is_conversations
from oracle.sources.delimited import open_delimited
from oracle.sources.hub import is_hub_id, open_hub
from oracle.sources.image_folder import find_metadata
from oracle.sources.json_array import open_json
from oracle.sources.json_lines import open_json_lines
from oracle.sources.parquet import open_parquet, parts_of
from oracle.sources.rows import Rows
from oracle.sources.saved_folder import is_saved_folder, open_saved_folder

FILES: dict[str, Callable[[Path], Rows]] = {
    ".parquet": lambda path: open_parquet([path]),
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".json": open_json,
    ".csv": partial(open_delimited, delimiter=","),
    ".tsv": partial(open_delimited, delimiter="\t"),
}


def open_rows(spec: str, split: str, words: Sequence[str] = ()) -> Rows:
    """Return the rows of a path, a pattern of paths or a hub id.

    Args:
        spec: what the user called the data.
        split: which split, where there are several.
        words: what else would have been legal, for the error.

    Raises:
        DataError: if there is no such data, or it cannot be read.
    """
    path = Path(spec)
    if isdir(spec):
        return _open_folder(path, split)
    if isfile(spec):
        return _open_file(path)
    if has_magic(spec):
        return _open_pattern(spec)
    if is_remote(spec):
        return open_hub(spec, split)
    known = f"; known words are {', '.join(sorted(words))}" if words else ""
    raise DataError(f"no such data: {spec[:200]!r} is no file, folder or hub id owner/name{known}")


def is_remote(spec: str) -> bool:
    """Return whether a word can only be a hub id."""
    path = Path(spec)
    local = exists(spec) or path.suffix in FILES or path.is_absolute()
    return not local and is_hub_id(spec)


def _open_folder(path: Path, split: str) -> Rows:
    if is_saved_folder(path):
        return open_saved_folder(path, split)
    if table := find_metadata(path, split):
        return _open_file(table)
    if files := parts_of(path, split):
        return open_parquet(files)
    raise DataError(
        f"{path} holds no data: it must be a folder that datasets.save_to_disk wrote, have images "
        "and metadata.jsonl or metadata.csv, or Parquet files"
    )


def _open_pattern(spec: str) -> Rows:
    files = [Path(name) for name in sorted(glob(spec, recursive=True))]
    if not files:
        raise DataError(f"no such data: no file fits {spec!r}")
    if odd := [file for file in files if file.suffix != ".parquet"]:
        raise DataError(f"only Parquet files can be read together, got {odd[0]}")
    return open_parquet(files)


def _open_file(path: Path) -> Rows:
    if path.suffix not in FILES:
        raise DataError(f"{path} must end in {', '.join(FILES)}, got {path.suffix!r}")
    if not path.stat().st_size:
        raise DataError(f"{path} is empty")
    rows = FILES[path.suffix](path)
    return ConversationRows(rows) if is_conversations(rows) else rows
