"""The loop of a run: what is left of a dataset, block by block, into parts."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from budget.errors import BudgetError, DataError, ModelLost
from oracle.run_folder.blocks import Block, Settled
from oracle.run_folder.engine import Engine
from oracle.run_folder.isolate import Outcome
from oracle.run_folder.part_writer import PartWriter
from oracle.run_folder.parts import failed, rows_done
from oracle.run_folder.tally import Tally
from oracle.whole_files import DiskFullError


class RunInterrupted(BudgetError):
    """A run was asked to stop before its end; the message says how to go on."""


def what_is_left(
    folder: Path, num_samples: int | None, max_errors: int | None, *, retry_errors: bool
) -> tuple[Settled, Tally]:
    """Return which samples are not to be run, and what came of them.

    Args:
        folder: of the run.
        num_samples: of the dataset, ``None`` if that is unknown.
        max_errors: see ``Tally``.
        retry_errors: whether samples that failed before are to be run again.
    """
    rows, failures = rows_done(folder), [] if retry_errors else failed(folder)
    bad = np.array([failure.row for failure in failures], dtype=np.int64)
    tally = Tally(num_samples, num_good=len(rows), failures=failures, max_errors=max_errors)
    return Settled(np.concatenate([rows, bad])), tally


def fill(
    folder: Path,
    blocks: Iterable[Block],
    tally: Tally,
    engine: Engine,
    writer: PartWriter,
    *,
    stop: Callable[[], bool],
    progress: Callable[[int], object],
) -> None:
    """Run what is left, and write what was measured also where it ends early.

    Args:
        folder: of the run, for messages.
        blocks: what is left.
        tally: counts what comes of them.
        engine: runs them.
        writer: writes them.
        stop: asked after every batch.
        progress: called with the number of samples done, those of before included.

    Raises:
        DataError: if the dataset cannot be read further.
        ModelLost: if the model can be asked no more.
        DiskFullError: if there is no room; says how to go on.
        RunInterrupted: if ``stop`` said so before the end.
        TooManyErrors: see ``Tally.check``.
    """
    broken: DataError | ModelLost | None = None
    ended = False
    try:
        try:
            ended = _go_through(blocks, tally, engine, writer, stop, progress)
        except DiskFullError:
            raise
        except (DataError, ModelLost) as problem:
            broken = problem
        writer.flush()
    except DiskFullError as problem:
        raise DiskFullError(
            f"{problem}; what was measured before is kept in {folder}, and the same command goes "
            "on once there is room"
        ) from problem
    if isinstance(broken, ModelLost):
        raise ModelLost(
            f"{broken}; what was measured before is kept in {folder}, and the same command goes on "
            "from there"
        ) from broken
    if broken is not None:
        raise DataError(f"{broken}; what was measured before is kept in {folder}") from broken
    tally.check(str(folder))
    if not ended and tally.num_done != tally.num_samples:
        of = "" if tally.num_samples is None else f"of {tally.num_samples} "
        raise RunInterrupted(
            f"stopped with {tally.num_done} {of}samples done, kept in {folder}; the "
            "same command goes on from there"
        )


def _go_through(
    blocks: Iterable[Block],
    tally: Tally,
    engine: Engine,
    writer: PartWriter,
    stop: Callable[[], bool],
    progress: Callable[[int], object],
) -> bool:
    """Run blocks; return whether all of them were."""
    ended = False

    def wanted() -> Iterator[Block]:
        nonlocal ended
        for block in blocks:
            if stop() or tally.too_bad:
                return
            writer.make_room(len(block.rows))
            yield block
        ended = True

    def keep(outcomes: list[Outcome]) -> None:
        writer.make_room(len(outcomes))  # blocks may come back in another order
        writer.add(outcomes)
        tally.add(outcomes)
        progress(tally.num_done)

    for outcomes in engine.outcomes(wanted()):
        keep(outcomes)
        if stop() or tally.too_bad:
            ended = False
            break
    for outcomes in engine.rest():
        keep(outcomes)
    return ended
