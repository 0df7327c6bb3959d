"""What a run's folder holds, as one table, and the samples that failed in it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from budget.errors import DataError
from oracle.parquet_file import ERRORS_KEY, open_parquet, read_parquet, said
from oracle.run_folder.manifest import PINNED, read_manifest
from oracle.run_folder.parts import Failure, failed, part_files, rows_done

if TYPE_CHECKING:
    import pyarrow as pa


def about_run(folder: Path) -> dict[str, Any]:
    """Return what a run was made of: its manifest, and how many samples failed.

    Raises:
        DataError: if the folder is no run.
    """
    found = read_manifest(folder)
    if found is None:
        raise DataError(f"{folder} is no run of the oracle: it has no manifest.json")
    if missing := [key for key in PINNED if key not in found]:
        raise DataError(f"{folder}/manifest.json lacks {', '.join(missing)}")
    created_by = f"matryoshka-budget {found['versions'][-1]}"
    return {**found, "created_by": created_by, "errors": len(failed(folder))}


def check_finished(folder: Path) -> list[Failure]:
    """Refuse a run that is not finished; return the samples that failed.

    Raises:
        DataError: if the folder is no run or samples are left, or none could be measured.
    """
    total, failures = about_run(folder)["samples"], failed(folder)
    good = len(rows_done(folder))
    done = good + len(failures)
    if total is None or done < total:
        of = "" if total is None else f"of {total} "
        raise DataError(
            f"{folder} is not finished: {done} {of}samples are done; "
            "the command that began it goes on with it"
        )
    if not good:
        raise DataError(
            f"{folder} holds no curves: all {total} samples failed, first "
            f"{failures[0].sample_id!r}: {failures[0].error}"
        )
    return failures


def read_errors(path: str | Path) -> list[Failure]:
    """Return the samples that failed, in the dataset's order; the run need not be finished.

    Args:
        path: a run's folder, or the single file that a run was written to.

    Raises:
        DataError: if there is no such file or run.
    """
    path = Path(path)
    if path.is_dir():
        about_run(path)
        return failed(path)
    return [Failure(*values) for values in said(open_parquet(path).schema_arrow, ERRORS_KEY, [])]


def read_run(folder: Path) -> "pa.Table":
    """Return the curves of a finished run, one row a sample and rung.

    Raises:
        DataError: as ``check_finished``, or if a part is damaged.
    """
    import pyarrow as pa

    check_finished(folder)
    tables = [read_parquet(path) for path in part_files(folder)]
    return pa.concat_tables(tables, promote_options="default")
