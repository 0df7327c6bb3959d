"""A sweep that goes on where it was killed, and that one bad sample does not end."""

from collections.abc import Callable, Iterator
from functools import partial
from glob import escape
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from budget.errors import BudgetError, DataError
from oracle.answering import GREEDY, Answering
from oracle.curves import read_metadata
from oracle.question_stream import QuestionStream
from oracle.run_folder import manifest, single_file
from oracle.run_folder.blocks import Block, Settled, stream_blocks, table_blocks
from oracle.run_folder.engine import Begin, here
from oracle.run_folder.filling import fill, what_is_left
from oracle.run_folder.isolate import Isolator
from oracle.run_folder.lock import held
from oracle.run_folder.part_writer import PartWriter
from oracle.run_folder.parts import FILES, Failure, ids_done
from oracle.run_folder.reading import check_finished, read_errors
from oracle.run_folder.seen_ids import SeenIds
from oracle.run_folder.tally import Tally
from oracle.scoring import get_scorer
from oracle.sweeping import check_dataset, check_sizes
from oracle.whole_files import remove_unfinished

if TYPE_CHECKING:
    from datasets import Dataset

    from budget.types import MatryoshkaVLM


Watch = Callable[[int, int | None], object]


class Run(NamedTuple):
    """A finished run.

    Attributes:
        path: its folder or single file, for ``read_curves``.
        failures: samples that have no curves, in the dataset's order.
    """

    path: Path
    failures: list[Failure]


def sweep_to(
    path: str | Path,
    model: "MatryoshkaVLM",
    dataset: "QuestionStream | Dataset",
    *,
    scorer: str = "exact",
    batch_size: int = 64,
    max_new_tokens: int = 8,
    how: Answering = GREEDY,
    chunk_size: int = 512,
    files: Path | None = None,
    max_errors: int | None = None,
    retry_errors: bool = False,
    begin: Begin = here,
    stop: Callable[[], bool] = lambda: False,
    notify: Callable[[str], object] = lambda line: None,
    progress: Watch = lambda done, total: None,
) -> Run:
    """Sweep into a run's folder, going on with what is there.

    The folder holds a manifest of what the run is made of, and parts that are written whole or
    not at all: a kill costs the samples since the last part. A sample that fails is recorded and
    left out. Of the whole dataset only ids and one flag a sample are held; of a stream, whose
    length is unknown until its end was seen, a hash for each id.

    Args:
        path: the run's folder; or, if it ends in ``.parquet``, a file to write at the end, until
            which the folder ``<path>.run`` lies beside it. What is finished is not run again.
        model: see ``sweep``, like the arguments not named here.
        dataset: see ``sweep``; or what ``open_samples`` returns.
        scorer: see ``sweep``.
        batch_size: see ``sweep``; halved when memory runs out.
        max_new_tokens: see ``sweep``.
        how: see ``sweep``.
        chunk_size: samples per part; a part is written after five minutes in any case.
        files: folder of the model's files, whose hash tells it from others of its name.
        max_errors: samples that may fail before the run is given up, 0 to stop at the first; see
            ``Tally`` for the default.
        retry_errors: run again the samples that failed before.
        begin: starts the engine; by default the model runs in this process. An engine that runs
            it elsewhere says what stands for ``model`` here.
        stop: asked after every batch; when it says so, what was measured is written.
        notify: called with one line when batches have become smaller.
        progress: called with (answers done, answers in all), those of before included; ``None``
            in all where that is unknown.

    Raises:
        DataError: if ``path`` belongs to another run (names what differs), is in use by another
            process or is something else, or if all samples failed; ``TooManyErrors`` if too many
            did, ``DiskFullError`` if there is no room. What was measured is kept.
            A stream ends with it if it breaks off or repeats an id.
        RunInterrupted: if it was stopped.
        ValueError: as ``sweep``, or if the chunk size is below 1 or ``max_errors`` negative.
    """
    check_sizes(batch_size=batch_size, chunk_size=chunk_size)
    if max_errors is not None and max_errors < 0:
        raise ValueError(f"max_errors must be at least 0, got {max_errors}")
    if begin is here:  # elsewhere the workers look at the model that they load
        how.check_model(model)
    elif isinstance(dataset, QuestionStream):
        raise BudgetError("a stream is run in this process alone; other engines need data on disk")
    score = get_scorer(scorer)
    if not isinstance(dataset, QuestionStream):
        check_dataset(dataset)
    settings = {"scorer": scorer, "max_new_tokens": max_new_tokens, "batch_size": batch_size}
    wanted = manifest.describe(model, dataset, files, **{**settings, **how.settings})
    k = len(model.ladder)

    def work(folder: Path) -> None:
        about = manifest.open_manifest(folder, wanted)
        total = about["samples"]
        settled, tally = what_is_left(folder, total, max_errors, retry_errors=retry_errors)
        isolate = partial(
            Isolator, score=score, batch_size=batch_size, max_new_tokens=max_new_tokens, how=how
        )
        fill(
            folder,
            _blocks(folder, dataset, settled, tally, min(batch_size, chunk_size)),
            tally,
            begin(model, dataset, isolate, notify),
            PartWriter(folder, tuple(model.ladder), about, max_samples=chunk_size),
            stop=stop,
            progress=lambda done: progress(done * k, None if total is None else total * k),
        )
        if total is None:  # a stream's end was seen
            if not tally.num_done:
                raise ValueError("cannot sweep a dataset without rows")
            manifest.write_manifest(folder, {**about, "samples": tally.num_done})

    def is_done() -> bool:
        found = read_metadata(target)
        manifest.refuse_other(target, found, wanted)
        failures, total = read_errors(target), found["samples"]
        good = total - len(failures)
        if not retry_errors:
            Tally(total, num_good=good, failures=failures, max_errors=max_errors).check(path)
        return not (retry_errors and failures)

    target = Path(path)
    if single_file.is_single(target):
        return _into_file(target, work, is_done=is_done)
    return _into_folder(target, work)


def _blocks(
    folder: Path, dataset: "QuestionStream | Dataset", settled: Settled, tally: Tally, size: int
) -> Iterator[Block]:
    if not isinstance(dataset, QuestionStream):
        return table_blocks(dataset, settled, size)
    failures = (failure.sample_id for failure in tally.failures.values())
    seen = SeenIds(chain(ids_done(folder), failures))
    return stream_blocks(dataset, settled, size, seen, tally.num_samples)


def _into_folder(folder: Path, work: Callable[[Path], None]) -> Run:
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; give a folder, or a file that ends in .parquet")
    manifest.refuse_strangers(folder)
    with held(folder):
        remove_unfinished(folder, *FILES, manifest.NAME)
        work(folder)
        return Run(folder, check_finished(folder))


def _into_file(target: Path, work: Callable[[Path], None], *, is_done: Callable[[], bool]) -> Run:
    """Work in the folder beside the file and join the parts, unless the file is finished."""
    folder = single_file.folder_beside(target)
    with held(folder):
        try:
            remove_unfinished(folder, *FILES, manifest.NAME)
            remove_unfinished(target.parent, escape(target.name))
            if target.is_file() and manifest.read_manifest(folder) is None:
                single_file.clear(folder)  # a kill may have come while it was being removed
                if is_done():
                    return Run(target, read_errors(target))
                single_file.reopen(target, folder)
            work(folder)
            single_file.join(folder, target)
            single_file.clear(folder)
            return Run(target, read_errors(target))
        finally:
            single_file.remove_empty(folder)
