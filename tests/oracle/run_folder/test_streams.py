"""Runs over data whose length is unknown: as they come, in pieces, and what ends them."""

import json
import random
import time
from pathlib import Path

import pytest
from datasets import IterableDataset, load_dataset
from typer.testing import CliRunner

from budget.data_choice import DataChoice
from budget.errors import DataError
from oracle import data
from oracle.cli import app
from oracle.curves import read_curves, read_metadata
from oracle.question_stream import QuestionStream
from oracle.run_folder.filling import RunInterrupted
from oracle.run_folder.parts import part_files
from oracle.run_folder.reading import read_errors
from oracle.run_folder.runner import sweep_to
from oracle.run_folder.seen_ids import SeenIds
from oracle.run_folder.tally import TooManyErrors
from oracle.sweeping import sweep

MODEL = Path(__file__).parents[2] / "fixtures" / "m3_original"
SIZES = {"batch_size": 2, "chunk_size": 4}


@pytest.fixture(params=["run", "run.parquet"])
def out(request, tmp_path):
    return tmp_path / request.param


@pytest.fixture
def stream_of(toys, tmp_path, monkeypatch):
    """Maps red values to a real stream of such rows, from a file in the place of the hub."""

    def stream_of(values, limit=None, **choice):
        toys.reader_dataset(values).to_parquet(tmp_path / "stream.parquet")
        files = {"test": str(tmp_path / "stream.parquet")}
        local = load_dataset("parquet", data_files=files, split="test", streaming=True)
        monkeypatch.setattr(data, "stream_hub", lambda spec, split: local)
        choice = DataChoice(stream=True, **choice)
        opened = data.open_samples("owner/name", limit=limit, choice=choice)
        assert isinstance(opened, QuestionStream)
        return opened

    return stream_of


@pytest.fixture
def read(monkeypatch):
    """Ids of the rows that streams have given, in order."""
    seen, chunks = [], QuestionStream.chunks

    def watched(self, size, start=0):
        for chunk in chunks(self, size, start):
            seen.extend(chunk["id"])
            yield chunk

    monkeypatch.setattr(QuestionStream, "chunks", watched)
    return seen


def stop_after(batches):
    asked = iter(range(10**6))
    return lambda: next(asked) >= 2 * batches  # asked before a batch and after it


def interrupt(out, model, stream, batches, **more):
    with pytest.raises(RunInterrupted, match=rf"stopped with {2 * batches} samples done, kept in"):
        sweep_to(out, model, stream, stop=stop_after(batches), **SIZES, **more)


def fails_on(*values):
    return lambda seen: ValueError("no") if set(seen) & set(values) else None


def names(values):
    return [f"v{value}" for value in values]


@pytest.mark.parametrize("values", [range(9), range(8), [3]])
def test_a_stream_gives_what_the_same_table_gives(toys, stream_of, assert_same, out, values):
    run = sweep_to(out, toys.ReaderVLM(), stream_of(values), **SIZES)
    assert run.failures == []
    assert_same(out, sweep(toys.ReaderVLM(), toys.reader_dataset(values)))
    assert read_metadata(out)["samples"] == len(values)


def test_rows_are_read_as_they_are_run(toys, stream_of, read, tmp_path):
    known = []

    class Watching(toys.ReaderVLM):
        def encode(self, images):
            known.append(len(read))
            return super().encode(images)

    sweep_to(tmp_path / "run", Watching(), stream_of(range(6)), **SIZES)
    warm_up = 2
    assert known == [warm_up, 2, 4, 6]


def test_a_stopped_stream_goes_on_where_it_was(toys, stream_of, assert_same, read, out):
    interrupt(out, toys.ReaderVLM(), stream_of(range(9)), batches=3)
    read.clear()
    model = toys.ReaderVLM()
    sweep_to(out, model, stream_of(range(9)), **SIZES)
    assert read == names([6, 7, 8])
    assert_same(out, sweep(toys.ReaderVLM(), toys.reader_dataset(range(9))))


def test_a_stream_stopped_within_a_batch_is_read_again_from_its_beginning(
    toys, stream_of, assert_same, read, tmp_path
):
    """Of the other chunk size a part ends anywhere; batches still begin at fixed rows."""
    out = tmp_path / "run"
    with pytest.raises(RunInterrupted):
        sweep_to(
            out,
            toys.ReaderVLM(),
            stream_of(range(9)),
            batch_size=2,
            chunk_size=1,
            stop=stop_after(3),
        )
    read.clear()
    sweep_to(out, toys.ReaderVLM(), stream_of(range(9)), **SIZES)
    assert read == names(range(2, 9))
    assert_same(out, sweep(toys.ReaderVLM(), toys.reader_dataset(range(9))))


def test_a_finished_stream_is_not_read_again(toys, stream_of, read, out):
    sweep_to(out, toys.ReaderVLM(), stream_of(range(4)), **SIZES)
    read.clear()
    model = toys.ReaderVLM()
    sweep_to(out, model, stream_of(range(4)), **SIZES)
    assert (read, model.calls) == ([], [])


def test_what_failed_is_read_again_and_nothing_behind_it(toys, sick, stream_of, read, out):
    run = sweep_to(out, sick(fails_on(2, 5)), stream_of(range(20)), **SIZES)
    assert [failure.sample_id for failure in run.failures] == ["v2", "v5"]
    read.clear()
    run = sweep_to(out, sick(fails_on(5)), stream_of(range(20)), retry_errors=True, **SIZES)
    assert [failure.sample_id for failure in run.failures] == ["v5"]
    assert read == names(range(2, 6))
    assert read_metadata(out)["samples"] == 20


def test_an_unfinished_stream_is_not_taken_for_curves(toys, stream_of, tmp_path):
    interrupt(tmp_path / "run", toys.ReaderVLM(), stream_of(range(9)), batches=2)
    with pytest.raises(DataError, match="run is not finished: 4 samples are done"):
        read_curves(tmp_path / "run")


@pytest.mark.parametrize("again", [{"limit": 4}, {"id": "#row"}])
def test_another_stream_is_not_mixed_in(toys, stream_of, out, again):
    sweep_to(out, toys.ReaderVLM(), stream_of(range(9)), **SIZES)
    with pytest.raises(DataError, match=r"belongs to another run: data '[0-9a-f]{12}' instead of"):
        sweep_to(out, toys.ReaderVLM(), stream_of(range(9), **again), **SIZES)


def test_a_limit_takes_the_front(toys, stream_of, out):
    sweep_to(out, toys.ReaderVLM(), stream_of(range(9), limit=5), **SIZES)
    assert read_curves(out).sample_ids.tolist() == names(range(5))


def test_a_stream_without_rows_is_refused(toys, stream_of, tmp_path):
    with pytest.raises(ValueError, match="without rows"):
        sweep_to(tmp_path / "run", toys.ReaderVLM(), stream_of([]), **SIZES)


def test_a_repeated_id_is_named_and_what_was_measured_is_kept(toys, stream_of, tmp_path):
    out = tmp_path / "run"
    match = r"owner/name: the id 'v1' of row 6 is repeated; --id-column '#row' takes row numbers"
    values = [0, 1, 2, 3, 4, 5, 1, 7]
    with pytest.raises(DataError, match=match) as caught:
        sweep_to(out, toys.ReaderVLM(), stream_of(values), **SIZES)
    assert str(caught.value).endswith(f"what was measured before is kept in {out}")
    assert len(part_files(out)) == 2
    with pytest.raises(DataError, match=match):  # also where the first of the two ran before
        sweep_to(out, toys.ReaderVLM(), stream_of(values), **SIZES)
    sweep_to(tmp_path / "rows", toys.ReaderVLM(), stream_of(values, id="#row"), **SIZES)
    assert read_curves(tmp_path / "rows").sample_ids.tolist() == [str(row) for row in range(8)]


def test_an_id_that_failed_before_is_repeated_too(toys, sick, stream_of, tmp_path):
    with pytest.raises(DataError, match="'v0' of row 5 is repeated"):
        sweep_to(tmp_path / "run", sick(fails_on(0)), stream_of([0, 1, 2, 3, 4, 0]), **SIZES)
    with pytest.raises(DataError, match="'v0' of row 5 is repeated"):
        sweep_to(tmp_path / "run", sick(fails_on(0)), stream_of([0, 1, 2, 3, 4, 0]), **SIZES)


def test_a_table_that_repeats_ids_says_what_takes_row_numbers(toys, tmp_path):
    match = r"1 of 3 are repeated, first 'v5'; --id-column '#row' takes row numbers for ids"
    with pytest.raises(ValueError, match=match):
        sweep_to(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset([0, 5, 5]))


def test_a_stream_that_breaks_off_costs_nothing_that_was_measured(
    toys, stream_of, assert_same, monkeypatch, out
):
    whole = stream_of(range(9))
    table = toys.reader_dataset(range(9))

    def rows():
        for row in range(9):
            if row == 7:
                raise ConnectionError("the line is down")
            yield table[row]

    torn = IterableDataset.from_generator(rows, features=toys.FEATURES)
    monkeypatch.setattr(data, "stream_hub", lambda spec, split: torn)
    broken = data.open_samples("owner/name", choice=DataChoice(stream=True))
    with pytest.raises(DataError, match=r"broke off: the line is down; what was .* is kept in"):
        sweep_to(out, toys.ReaderVLM(), broken, **SIZES)
    model = toys.ReaderVLM()
    sweep_to(out, model, whole, **SIZES)
    warm_up = 1
    assert sum(n for _, n, _ in model.calls[warm_up::3]) == 3
    assert_same(out, sweep(toys.ReaderVLM(), table))


def test_errors_are_allowed_by_how_many_samples_came_so_far(toys, sick, stream_of, tmp_path):
    model = sick(fails_on(*range(20, 31)))
    with pytest.raises(TooManyErrors, match="11 of the first 31 samples failed, first 'v20'"):
        sweep_to(tmp_path / "a", model, stream_of(range(250)), batch_size=1)
    model = sick(fails_on(*range(230, 241)))  # 11 of 241 are under 5 %
    run = sweep_to(tmp_path / "b", model, stream_of(range(250)), batch_size=1)
    assert len(run.failures) == len(read_errors(tmp_path / "b")) == 11


def test_progress_has_no_total_until_the_end_was_seen(toys, sick, stream_of, tmp_path):
    seen = []
    watch = {"progress": lambda *step: seen.append(step)}
    sweep_to(tmp_path / "run", sick(fails_on(2)), stream_of(range(4)), batch_size=2, **watch)
    assert seen == [(6, None), (9, None), (12, None)]
    seen.clear()
    again = stream_of(range(4))
    sweep_to(tmp_path / "run", toys.ReaderVLM(), again, batch_size=2, retry_errors=True, **watch)
    assert seen == [(12, 12)]


def test_a_stream_that_was_killed_goes_on_and_gives_what_one_run_gives(
    start, toys, assert_same, tmp_path
):
    toys.reader_dataset(range(40)).to_parquet(tmp_path / "stream.parquet")
    words = (tmp_path / "run", 0.02, tmp_path / "stream.parquet")
    process = start("toy_stream.py", *words)
    while len(part_files(tmp_path / "run")) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    kept = len(part_files(tmp_path / "run"))
    assert 3 <= kept < 20, "the sweep ended before it could be killed"
    process = start("toy_stream.py", *words)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert len(part_files(tmp_path / "run")) == 20  # none was run again
    assert_same(tmp_path / "run", sweep(toys.ReaderVLM(), toys.reader_dataset(range(40))))


def test_the_command_takes_a_stream(stream_of, tmp_path):
    stream_of([0, 60, 90])
    words = [
        "--data",
        "owner/name",
        "--stream",
        "--model",
        str(MODEL),
        "--out",
        str(tmp_path / "r"),
    ]
    result = CliRunner().invoke(app, ["run", *words, "--max-new-tokens", "2"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["n"] == 3
    assert "scales: 15 answers" in result.stderr  # no total


def test_ids_are_remembered_as_a_set_remembers_them():
    rng = random.Random(0)
    ids = [str(rng.randrange(3_000_000)) for _ in range(200_000)]
    seen, known, found = SeenIds(), set(), 0
    for name in ids:
        repeated = seen.repeated([name]) == 0
        assert repeated == (name in known)
        known.add(name)
        found += repeated
    assert found > 1000
