"""The loop of a run: what is left of a dataset, batch by batch, into parts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from budget.errors import BudgetError
from oracle.run_folder.engine import Engine
from oracle.run_folder.isolate import Outcome
from oracle.run_folder.part_writer import PartWriter
from oracle.run_folder.parts import failed, rows_done
from oracle.run_folder.tally import Tally
from oracle.whole_files import DiskFullError


class RunInterrupted(BudgetError):
    """A run was asked to stop before its end; the message says how to go on."""


def what_is_left(
    folder: Path, num_samples: int, max_errors: int | None, *, retry_errors: bool
) -> tuple[NDArray[np.bool_], Tally]:
    """Return which samples are to be run, shape [num_samples], and what came of the others.

    Args:
        folder: of the run.
        num_samples: of the dataset.
        max_errors: see ``Tally``.
        retry_errors: whether samples that failed before are to be run again.
    """
    rows, failures = rows_done(folder), [] if retry_errors else failed(folder)
    pending = np.ones(num_samples, dtype=np.bool_)
    pending[rows] = False
    pending[[failure.row for failure in failures]] = False
    tally = Tally(num_samples, num_good=len(rows), failures=failures, max_errors=max_errors)
    return pending, tally


def fill(
    folder: Path,
    pending: NDArray[np.bool_],
    tally: Tally,
    engine: Engine,
    writer: PartWriter,
    *,
    block_size: int,
    stop: Callable[[], bool],
    progress: Callable[[int], object],
) -> None:
    """Run what is pending, and write what was measured also where it ends early.

    Batches are cut at fixed rows of the dataset, so that a run in pieces has those of a run in one.

    Args:
        folder: of the run, for messages.
        pending: which rows of the dataset, shape [n].
        tally: counts what comes of them.
        engine: runs them.
        writer: writes them.
        block_size: rows of the dataset that are taken together.
        stop: asked after every batch.
        progress: called with the number of samples done, those of before included.

    Raises:
        DiskFullError: if there is no room; says how to go on.
        RunInterrupted: if ``stop`` said so before the end.
        TooManyErrors: see ``Tally.check``.
    """

    def wanted() -> Iterator[list[int]]:
        for rows in _blocks(pending, block_size):
            if stop() or tally.too_bad:
                return
            writer.make_room(len(rows))
            yield rows

    def keep(outcomes: list[Outcome]) -> None:
        writer.make_room(len(outcomes))  # blocks may come back in another order
        writer.add(outcomes)
        tally.add(outcomes)
        progress(tally.num_done)

    try:
        for outcomes in engine.outcomes(wanted()):
            keep(outcomes)
            if stop() or tally.too_bad:
                break
        for outcomes in engine.rest():
            keep(outcomes)
        writer.flush()
    except DiskFullError as problem:
        raise DiskFullError(
            f"{problem}; what was measured before is kept in {folder}, and the same command goes "
            "on once there is room"
        ) from problem
    tally.check(str(folder))
    if tally.num_done < len(pending):
        raise RunInterrupted(
            f"stopped with {tally.num_done} of {len(pending)} samples done, kept in {folder}; the "
            "same command goes on from there"
        )


def _blocks(pending: NDArray[np.bool_], size: int) -> Iterator[list[int]]:
    """Yield the pending rows of each stretch of the dataset that has any."""
    for start in range(0, len(pending), size):
        rows = start + np.flatnonzero(pending[start : start + size])
        if rows.size:
            yield rows.tolist()
