import json
import signal
import time

import pytest

from oracle.curves import read_curves
from oracle.run_folder.parts import part_files, rows_done
from oracle.sweeping import sweep


@pytest.fixture
def begun(start, toys, tmp_path):
    """Starts the real command on the toy and waits until it has measured something."""
    toys.reader_dataset(range(40)).to_parquet(tmp_path / "data.parquet")
    words = ["--data", tmp_path / "data.parquet", "--out", tmp_path / "run"]
    words += ["--batch-size", 2, "--chunk-size", 8]

    def begin(pause=0.1, until=1):
        process = start("toy_command.py", pause, *words)
        while until and len(part_files(tmp_path / "run")) < until:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        return process

    return begin


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_wish_to_stop_writes_what_was_measured(begun, toys, assert_same, tmp_path, number):
    process = begun()
    time.sleep(0.75)  # within the second part
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    done = len(rows_done(tmp_path / "run"))
    assert 8 < done < 16
    lines = said.splitlines()
    assert lines[-1] == (
        f"budget: stopped with {done} of 40 samples done, kept in {tmp_path / 'run'}; "
        "the same command goes on from there"
    )
    assert "stopping after this batch; once more to stop at once" in lines
    assert "Traceback" not in said

    again = begun(pause=0, until=0)
    told, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert json.loads(told.splitlines()[-1])["n"] == 40
    assert_same(
        read_curves(tmp_path / "run"), sweep(toys.ReaderVLM(), toys.reader_dataset(range(40)))
    )


def test_a_second_wish_to_stop_is_granted_at_once(begun, tmp_path):
    process = begun(pause=5, until=0)
    while not (tmp_path / "run" / "manifest.json").exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.5)  # within the first batch, which takes twenty seconds
    process.send_signal(signal.SIGINT)
    while "once more" not in process.stderr.readline():
        assert process.poll() is None
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - start < 10
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("budget: stopped at once")
    assert "Traceback" not in said
