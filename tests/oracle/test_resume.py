import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from budget.errors import DataError
from oracle.curves import read_curves, read_metadata
from oracle.resume import fingerprint, sweep_to
from oracle.sweep import sweep

ROOT = Path(__file__).parents[2]


def kill_after_first_parts(script, out, parts):
    """Start the sweep in a process of its own and kill it once a few parts are there."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, str(script), str(out), "0.05"], env=env)
    deadline = time.monotonic() + 120
    while len(list(parts.glob("part-*.parquet"))) < 3:
        assert process.poll() is None, "the sweep ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_killed_sweep_resumes_and_gives_what_one_run_gives(toys, tmp_path):
    out, parts = tmp_path / "curves.parquet", tmp_path / "curves.parquet.parts"
    kill_after_first_parts(toys.__file__, out, parts)
    kept = {p.name: p.stat().st_mtime_ns for p in parts.glob("part-*.parquet")}
    assert not out.exists()
    assert 3 <= len(kept) < 10

    model = toys.ReaderVLM()
    resumed = sweep_to(out, model, toys.reader_dataset(), batch_size=2, chunk_size=2)
    runs = 10 - len(kept)
    assert len(model.calls) == runs * (3 + 1)  # three rungs and one warm-up a missing part
    whole = sweep(toys.ReaderVLM(), toys.reader_dataset(), batch_size=2)
    for name in ("sample_ids", "groups", "scores", "answers", "flops", "prompt_tokens"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name))
        np.testing.assert_array_equal(getattr(read_curves(out), name), getattr(whole, name))
    assert not parts.exists()


def test_a_finished_sweep_is_read_and_not_run_again(toys, tmp_path):
    first = sweep_to(tmp_path / "c.parquet", toys.ReaderVLM(), toys.reader_dataset())
    model = toys.ReaderVLM()
    again = sweep_to(tmp_path / "c.parquet", model, toys.reader_dataset())
    assert model.calls == []
    np.testing.assert_array_equal(again.seconds, first.seconds)
    about = read_metadata(tmp_path / "c.parquet")
    assert (about["model"], about["scorer"], about["max_new_tokens"]) == ("reader", "exact", 8)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"name": "other"}, "model 'reader' instead of 'other'"),
        ({"ladder": (1, 4)}, r"ladder \[1, 4, 9\] instead of \[1, 4\]"),
        ({"scorer": "anls"}, "scorer 'exact' instead of 'anls'"),
        ({"values": [0, 5, 11]}, "data '"),
        ({"max_new_tokens": 9}, "max_new_tokens 8 instead of 9"),
        ({"batch_size": 9}, "batch_size 64 instead of 9"),
    ],
)
def test_another_sweep_is_not_mixed_in(toys, tmp_path, finished, change, match):
    class Breaks(toys.ReaderVLM):
        def answer(self, *args, **kwargs):
            if not finished and len(self.calls) > 4:
                raise KeyboardInterrupt
            return super().answer(*args, **kwargs)

    out, values = tmp_path / "c.parquet", [0, 5, 10]
    try:
        sweep_to(out, Breaks(), toys.reader_dataset(values), chunk_size=1)
    except KeyboardInterrupt:
        assert not finished
    assert out.exists() == finished

    model, change = toys.ReaderVLM(), dict(change)
    model.name = change.pop("name", model.name)
    model.ladder = change.pop("ladder", model.ladder)
    dataset = toys.reader_dataset(change.pop("values", values))
    with pytest.raises(DataError, match=match):
        sweep_to(out, model, dataset, chunk_size=1, **change)
    assert model.calls == []


def test_progress_goes_on_where_the_parts_end(toys, tmp_path):
    seen = []
    sweep_to(
        tmp_path / "c.parquet",
        toys.ReaderVLM(),
        toys.reader_dataset([0, 5, 10]),
        chunk_size=2,
        progress=lambda *step: seen.append(step),
    )
    assert seen == [(6, 9), (9, 9)]


def test_the_fingerprint_sees_ids_questions_answers_and_their_order(toys):
    dataset = toys.reader_dataset([0, 5, 10])
    prints = {
        fingerprint(dataset),
        fingerprint(dataset.select([1, 0, 2])),
        fingerprint(dataset.select([0, 1])),
        fingerprint(dataset.map(lambda row: {"question": row["question"] + "?"})),
        fingerprint(dataset.map(lambda row: {"answers": row["answers"][:1]})),
    }
    assert len(prints) == 5
    assert fingerprint(toys.reader_dataset([0, 5, 10])) in prints


def test_strangers_in_the_folder_of_parts_are_left_alone(toys, tmp_path):
    folder = tmp_path / "c.parquet.parts"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    sweep_to(tmp_path / "c.parquet", toys.ReaderVLM(), toys.reader_dataset([0, 5]))
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]


def test_a_repeated_id_is_refused_before_anything_runs(toys, tmp_path):
    model = toys.ReaderVLM()
    with pytest.raises(ValueError, match="1 of 3 are repeated"):
        sweep_to(tmp_path / "c.parquet", model, toys.reader_dataset([0, 5, 0]), chunk_size=1)
    assert model.calls == []
