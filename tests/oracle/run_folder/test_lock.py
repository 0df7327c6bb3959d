import re
import socket

import pytest

from budget.errors import DataError
from oracle.run_folder.lock import held
from oracle.run_folder.parts import part_files
from oracle.run_folder.runner import sweep_to


def wait_for_parts(folder, process):
    while not part_files(folder):
        assert process.poll() is None


@pytest.mark.parametrize("name", ["run", "run.parquet"])
def test_a_second_run_is_refused_and_a_killed_one_lets_go(start, toys, tmp_path, name):
    out = tmp_path / name
    folder = out if out.suffix != ".parquet" else tmp_path / "run.parquet.run"
    first = start("toys.py", out, 0.05)
    wait_for_parts(folder, first)
    data, sizes = toys.reader_dataset(range(20)), {"batch_size": 2, "chunk_size": 2}
    said = rf"{folder.name} is in use by process {first.pid} on {re.escape(socket.gethostname())}"
    with pytest.raises(DataError, match=said):
        sweep_to(out, toys.ReaderVLM(), data, **sizes)
    first.kill()
    first.communicate()
    assert sweep_to(out, toys.ReaderVLM(), data, **sizes).failures == []


def test_a_lock_whose_file_was_removed_keeps_nobody_out(tmp_path):
    with held(tmp_path / "run"):
        (tmp_path / "run" / "run.lock").unlink()
        with held(tmp_path / "run"):
            assert (tmp_path / "run" / "run.lock").is_file()


def test_a_holder_that_has_not_said_its_name_yet_is_still_a_holder(tmp_path):
    with held(tmp_path):
        (tmp_path / "run.lock").write_text("")
        with pytest.raises(DataError, match="in use by another process"), held(tmp_path):
            pass
