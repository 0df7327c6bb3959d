"""Questions about images from wherever they are: a path, a pattern, a hub id or a named source."""

from collections.abc import Callable, Sequence
from os.path import isfile  # unlike Path.is_file it takes any text
from pathlib import Path
from typing import TYPE_CHECKING

from budget.data_choice import DataChoice
from budget.errors import DataError
from oracle.columns import find_columns
from oracle.image_values import path_of
from oracle.question_stream import QuestionStream, undecoded
from oracle.question_table import QuestionTable
from oracle.sample_reader import SampleReader
from oracle.sources.arrow import ArrowRows
from oracle.sources.hub import stream_hub
from oracle.sources.registry import is_remote, open_rows
from oracle.sources.rows import Rows

if TYPE_CHECKING:
    from datasets import Dataset

SourceLoader = Callable[[str, int | None], "Dataset"]
NEEDED = ("id", "image", "question", "answers")

_SOURCES: dict[str, SourceLoader] = {}
_LOOKED_AT = 8  # rows whose images must not all be missing


def register_source(name: str, loader: SourceLoader) -> None:
    """Make ``name`` a word that stands for a dataset; registering again replaces it.

    Args:
        name: the word, e.g. ``"scenes"``.
        loader: maps (split, limit or None) to a dataset; ``limit`` may be taken as a hint.
    """
    _SOURCES[name] = loader


def load_dataset_columns(
    spec: str,
    split: str | None = None,
    needed: Sequence[str] = NEEDED,
    limit: int | None = None,
    *,
    choice: DataChoice | None = None,
    say: Callable[[str], object] = lambda note: None,
) -> QuestionTable:
    """Return data as samples that are read, and their images decoded, when they are asked for.

    Samples have the columns id (text), image, question, answers (a list of texts), group and
    options where the data have them, and further columns as they are. What cannot be read is a
    ``DataError`` then, which names the data, the row and its id; other rows are not concerned.

    Args:
        spec: a registered word; a file (Parquet, JSON lines, a JSON list, CSV, TSV); a folder
            (written by ``datasets.save_to_disk``, of images with a metadata table, of Parquet
            files); a pattern of Parquet files; or a hub id ``owner/name[@revision][:config]``.
        split: which split, where there are several; ``None`` means ``"test"``. What holds one
            dataset is taken whole.
        needed: columns that must be there; further columns are kept.
        limit: samples taken from the front, ``None`` for all.
        choice: which columns are what, where their names do not tell; ``stream`` is for
            ``open_samples``.
        say: told in one line what was taken for what, if the names did not say it.

    Raises:
        DataError: if there is no such data or split, or a column is missing.
    """
    _check_limit(limit)
    choice = choice or DataChoice()
    rows = _open(spec, split or "test", limit)
    columns = find_columns(spec, rows.column_names, needed, choice, rows.remarks)
    reader = SampleReader(columns, choice.image_folder or rows.folder, choice.list_options)
    table = QuestionTable(rows, reader, spec)
    if limit is not None:
        table = table.select(range(min(limit, len(table))))
    if not len(table):
        raise DataError(f"{spec} has no rows")
    if "image" in needed:
        _refuse_if_all_are_missing(table)
    if columns.note:
        say(columns.note)
    return table


def open_samples(
    spec: str,
    split: str | None = None,
    needed: Sequence[str] = NEEDED,
    limit: int | None = None,
    *,
    choice: DataChoice | None = None,
    say: Callable[[str], object] = lambda note: None,
) -> QuestionTable | QuestionStream:
    """Return data for a consumer that goes through ``chunks`` and needs no length.

    A hub id becomes a stream if ``choice.stream`` says so. Data on disk are never held in memory
    and need none.

    Args:
        spec: as ``load_dataset_columns`` takes it, like the other arguments.
        split: as there.
        needed: as there.
        limit: as there.
        choice: as there.
        say: as there.

    Raises:
        DataError: as ``load_dataset_columns``.
    """
    choice = choice or DataChoice()
    if not choice.stream or spec in _SOURCES or not is_remote(spec):
        return load_dataset_columns(spec, split, needed, limit, choice=choice, say=say)
    _check_limit(limit)
    split = split or "test"
    dataset = undecoded(stream_hub(spec, split))
    columns = find_columns(spec, dataset.column_names or [], needed, choice)
    if columns.note:
        say(columns.note)
    reader = SampleReader(columns, choice.image_folder or Path(), choice.list_options)
    return QuestionStream(dataset, reader, spec, split, choice, limit)


def table_of(dataset: "Dataset") -> QuestionTable:
    """Return a dataset of the ``datasets`` library as a table; its columns are named as ours."""
    rows = ArrowRows(dataset, Path())
    columns = find_columns("the dataset", rows.column_names, (), DataChoice())
    return QuestionTable(rows, SampleReader(columns, rows.folder), "the dataset")


def _check_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise DataError(f"the number of samples must be at least 1, got {limit}")


def _open(spec: str, split: str, limit: int | None) -> Rows:
    if spec not in _SOURCES:
        return open_rows(spec, split, tuple(_SOURCES))
    try:
        return ArrowRows(_SOURCES[spec](split, limit), Path())
    except (KeyError, ValueError) as problem:
        raise DataError(f"{spec}: {problem}") from problem


def _refuse_if_all_are_missing(table: QuestionTable) -> None:
    """Refuse data whose first images are all missing: the folder is wrong, not a row."""
    folder = table.reader.folder
    looked_at = table.raw_images(range(min(_LOOKED_AT, len(table))))
    paths = [path_of(value, folder) for values in looked_at for value in values]
    if not paths or any(path is None or isfile(path) for path in paths):
        return
    raise DataError(
        f"{table.spec}: the images of the first rows are missing, first: {paths[0]!s:.200}; "
        "--image-folder says where their paths begin"
    )
