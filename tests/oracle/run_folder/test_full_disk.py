import pytest

from oracle.run_folder.filling import RunInterrupted
from oracle.run_folder.parts import part_files
from oracle.run_folder.runner import sweep_to
from oracle.sweeping import sweep


def test_a_full_disk_is_one_line_and_costs_nothing_that_was_written(
    start, toys, assert_same, tmp_path
):
    out, data, sizes = tmp_path / "run", toys.reader_dataset(range(20)), {"batch_size": 4}
    first = start("toy_full_disk.py", out, 3000)  # a part takes 5000 bytes, a manifest 400
    _, said = first.communicate(timeout=120)
    assert first.returncode == 1
    assert said.startswith(f"cannot write {out / 'part-00000000.parquet'}: file too large; what")
    assert said.endswith("the same command goes on once there is room\n")
    assert said.count("\n") == 1
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "run.lock"]

    stops = iter([False, False, False, False, True])
    with pytest.raises(RunInterrupted, match="stopped with 8 of 20"):
        sweep_to(out, toys.ReaderVLM(), data, chunk_size=4, stop=lambda: next(stops), **sizes)
    kept = {path.name: path.read_bytes() for path in part_files(out)}
    again = start("toy_full_disk.py", out, 3000)
    assert "part-00000002.parquet" in again.communicate(timeout=120)[1]
    assert {path.name: path.read_bytes() for path in part_files(out)} == kept
    assert not list(out.glob("*.tmp"))

    sweep_to(out, toys.ReaderVLM(), data, chunk_size=4, **sizes)
    assert_same(out, sweep(toys.ReaderVLM(), data))
