"""A run whose result is one Parquet file: its folder lies beside it until it is finished."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.parquet_file import ABOUT_KEY, ERRORS_KEY, open_parquet, read_parquet, said
from oracle.run_folder import lock, manifest
from oracle.run_folder.manifest import ANSWERING, NOTES, PINNED, write_manifest
from oracle.run_folder.parts import FILES, part_files, write_part
from oracle.run_folder.reading import about_run, check_finished, read_errors
from oracle.whole_files import write_whole

if TYPE_CHECKING:
    import pyarrow as pa


def is_single(path: Path) -> bool:
    """Return whether a run is to end as one file: whether its name ends in .parquet."""
    return path.suffix == ".parquet" and not path.is_dir()


def folder_beside(path: Path) -> Path:
    """Return the folder of a run that is to end as the file ``path``."""
    return path.with_name(path.name + ".run")


def join(folder: Path, target: Path) -> None:
    """Write the parts of a finished run into one file, one part in memory at a time.

    Raises:
        DataError: if the run is not finished, or none of its samples could be measured.
        DiskFullError: if there is no room; the parts are intact.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    failures = [list(each) for each in check_finished(folder)]
    about = {ABOUT_KEY: about_run(folder), ERRORS_KEY: failures}
    parts = part_files(folder)
    # Parts of an older version of this code may lack a column; it is unknown there.
    schema = pa.unify_schemas([open_parquet(part).schema_arrow for part in parts])
    schema = schema.with_metadata({key: json.dumps(value) for key, value in about.items()})

    def write(file: Any) -> None:
        with pq.ParquetWriter(file, schema) as writer:
            for table in _widened(parts, schema):
                writer.write_table(table)

    write_whole(target, write)


def reopen(target: Path, folder: Path) -> None:
    """Make a finished file a run's folder again, so that what failed can be tried again.

    Args:
        target: as ``join`` wrote it; it stays.
        folder: what is left of a run in it is removed first.
    """
    clear(folder)
    found = said(open_parquet(target).schema_arrow, ABOUT_KEY, {})
    with target.open("rb") as whole:
        write_part(folder, lambda file: shutil.copyfileobj(whole, file), read_errors(target))
    kept = (*PINNED, *ANSWERING, *NOTES, "begun", "versions")
    write_manifest(folder, {key: found[key] for key in kept if key in found})


def clear(folder: Path) -> None:
    """Remove what a run left in its folder, except for the lock.

    The manifest goes first: a folder without one is no run any more, wherever a kill comes.
    """
    (folder / manifest.NAME).unlink(missing_ok=True)
    for pattern in FILES:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def remove_empty(folder: Path) -> None:
    """Remove a folder in which nothing is left but the lock, which must be held."""
    if [path.name for path in folder.iterdir()] == [lock.NAME]:
        shutil.rmtree(folder)


def _widened(parts: Sequence[Path], schema: "pa.Schema") -> Iterator["pa.Table"]:
    import pyarrow as pa

    for part in parts:
        tables = [schema.empty_table(), read_parquet(part)]
        yield pa.concat_tables(tables, promote_options="default").select(schema.names)
