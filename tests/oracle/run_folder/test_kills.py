import random
import time

import pytest

from oracle.run_folder.parts import part_files
from oracle.run_folder.runner import sweep_to
from oracle.sweeping import sweep


def kill_until_done(start, out, num_samples, kills, rng, longest):
    """Kill the toy's sweep at random moments, then let it end; return what was seen of parts."""
    seen = []
    for _ in range(kills):
        process = start("toys.py", out, 0.01, num_samples)
        assert process.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0, longest))
        assert process.poll() is None, "the sweep ended before it could be killed"
        process.kill()
        process.communicate()
        folder = out if out.suffix != ".parquet" else out.with_name(out.name + ".run")
        seen.append(len(part_files(folder)))
    process = start("toys.py", out, 0.01, num_samples)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return seen


@pytest.mark.parametrize("name", ["run", "run.parquet"])
def test_a_run_killed_twice_gives_what_one_run_gives(start, toys, assert_same, tmp_path, name):
    seen = kill_until_done(start, tmp_path / name, 30, 2, random.Random(0), 0.3)
    assert seen == sorted(seen)  # no part is ever lost
    assert_same(tmp_path / name, sweep(toys.ReaderVLM(), toys.reader_dataset(range(30))))


@pytest.mark.slow
def test_a_run_killed_at_twenty_moments_gives_what_one_run_gives(
    start, toys, assert_same, tmp_path
):
    out, n = tmp_path / "run", 240
    seen = kill_until_done(start, out, n, 20, random.Random(1), 0.5)
    assert seen == sorted(seen)
    assert 10 < seen[-1] < n // 2
    assert_same(out, sweep(toys.ReaderVLM(), toys.reader_dataset(range(n))))
    assert not list(out.glob("*.tmp"))


@pytest.mark.parametrize(
    "left", ["run/part-00000001.parquet.12.tmp", "run/manifest.json.12.tmp", "c.parquet.12.tmp"]
)
def test_what_a_killed_writer_left_is_cleaned_at_the_next_start(toys, tmp_path, left):
    (tmp_path / "notes.parquet.tmp").write_text("mine")
    run_both(toys, tmp_path)
    (tmp_path / left).write_bytes(b"PAR1")
    run_both(toys, tmp_path)
    assert [path.name for path in tmp_path.rglob("*.tmp")] == ["notes.parquet.tmp"]


def test_a_kill_before_the_manifest_was_written_leaves_a_folder_that_can_be_used(toys, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("run.lock", "manifest.json.12.tmp"):
        (tmp_path / "run" / name).touch()
    run_both(toys, tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))


def run_both(toys, folder):
    for name in ("run", "c.parquet"):
        sweep_to(folder / name, toys.ReaderVLM(), toys.reader_dataset([0, 5]))
