import json
import os

import numpy as np
import pytest

from budget.errors import DataError
from oracle.curves import read_curves, read_metadata
from oracle.fingerprint import fingerprint
from oracle.run_folder import identity
from oracle.run_folder.filling import RunInterrupted
from oracle.run_folder.parts import part_files, rows_done
from oracle.run_folder.runner import sweep_to
from oracle.sweeping import sweep


@pytest.fixture(params=["run", "run.parquet"])
def out(request, tmp_path):
    return tmp_path / request.param


def stop_after(batches):
    """Says, after so many batches, that the run is to stop."""
    asked = iter(range(10**6))
    return lambda: next(asked) >= 2 * batches  # asked before a batch and after it


def interrupt(out, model, dataset, batches, **more):
    with pytest.raises(RunInterrupted, match="the same command goes on from there"):
        sweep_to(out, model, dataset, stop=stop_after(batches), **more)


def test_a_finished_run_is_read_and_not_run_again(toys, out):
    sweep_to(out, toys.ReaderVLM(), toys.reader_dataset())
    first, model = read_curves(out), toys.ReaderVLM()
    assert sweep_to(out, model, toys.reader_dataset()).failures == []
    assert model.calls == []
    np.testing.assert_array_equal(read_curves(out).seconds, first.seconds)
    about = read_metadata(out)
    assert (about["model"], about["scorer"], about["max_new_tokens"]) == ("reader", "exact", 8)
    assert about["ladder"] == [1, 4, 9]
    assert about["created_by"].startswith("matryoshka-budget")


def test_a_single_file_leaves_nothing_beside_it(toys, tmp_path):
    sweep_to(tmp_path / "c.parquet", toys.ReaderVLM(), toys.reader_dataset(), chunk_size=3)
    assert [path.name for path in tmp_path.iterdir()] == ["c.parquet"]


def test_a_folder_and_a_file_hold_the_same(toys, assert_same, tmp_path):
    whole = sweep(toys.ReaderVLM(), toys.reader_dataset())
    for name in ("run", "c.parquet"):
        sweep_to(tmp_path / name, toys.ReaderVLM(), toys.reader_dataset(), chunk_size=3)
        assert_same(tmp_path / name, whole)


def test_what_was_measured_is_kept_and_only_the_rest_is_run(toys, assert_same, out):
    data, sizes = toys.reader_dataset(), {"batch_size": 2, "chunk_size": 4}
    interrupt(out, toys.ReaderVLM(), data, batches=3, **sizes)
    model = toys.ReaderVLM()
    sweep_to(out, model, data, **sizes)
    warm_up = 1
    assert len(model.calls) == warm_up + 3 * (10 - 3)
    assert_same(out, sweep(toys.ReaderVLM(), data))


def test_a_part_may_be_shorter_where_a_run_was_stopped(toys, tmp_path):
    data, sizes = toys.reader_dataset(), {"batch_size": 2, "chunk_size": 8}
    interrupt(tmp_path / "run", toys.ReaderVLM(), data, batches=5, **sizes)
    counts = [len(set(rows_of(part))) for part in part_files(tmp_path / "run")]
    assert counts == [8, 2]


def rows_of(part):
    import pyarrow.parquet as pq

    return pq.read_table(part).column("row").to_pylist()


def test_an_unfinished_run_is_not_taken_for_curves(toys, tmp_path):
    interrupt(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset(), 2, batch_size=2)
    with pytest.raises(DataError, match="run is not finished: 4 of 20 samples are done"):
        read_curves(tmp_path / "run")


CHANGES = [
    ({"name": "other"}, "model 'reader' instead of 'other'"),
    ({"ladder": (1, 4)}, r"ladder \[1, 4, 9\] instead of \[1, 4\]"),
    ({"scorer": "anls"}, "scorer 'exact' instead of 'anls'"),
    ({"values": [0, 5, 11]}, "data '[0-9a-f]{12}' instead of '[0-9a-f]{12}'"),
    ({"values": [0, 5]}, "samples 3 instead of 2"),
    ({"max_new_tokens": 9}, "max_new_tokens 8 instead of 9"),
    ({"batch_size": 9}, "batch_size 64 instead of 9"),
    ({"device": "cuda:0"}, "device None instead of 'cuda'"),
    ({"weights": b"other"}, "weights '[0-9a-f]{12}' instead of '[0-9a-f]{12}'"),
]


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(("change", "match"), CHANGES)
def test_another_run_is_not_mixed_in(toys, out, tmp_path, finished, change, match):
    files, values, change = tmp_path / "model", [0, 5, 10], dict(change)
    files.mkdir()
    (files / "model.safetensors").write_bytes(b"weights")
    if finished:
        sweep_to(out, toys.ReaderVLM(), toys.reader_dataset(values), files=files)
    else:
        data = toys.reader_dataset(values)
        interrupt(out, toys.ReaderVLM(), data, batches=1, files=files, chunk_size=1)

    model = toys.ReaderVLM()
    for name in ("name", "ladder", "device"):
        if name in change:
            setattr(model, name, change.pop(name))
    dataset = toys.reader_dataset(change.pop("values", values))
    (files / "model.safetensors").write_bytes(change.pop("weights", b"weights"))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(DataError, match=match) as caught:
        sweep_to(out, model, dataset, files=files, **change)
    assert "\n" not in str(caught.value)
    assert model.calls == []
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_another_version_of_the_code_is_noted_and_not_refused(toys, tmp_path, monkeypatch):
    data = toys.reader_dataset()
    interrupt(tmp_path / "run", toys.ReaderVLM(), data, batches=1, batch_size=2)
    own = identity.code_version()
    monkeypatch.setattr("oracle.run_folder.manifest.code_version", lambda: "9.9.9 (later)")
    sweep_to(tmp_path / "run", toys.ReaderVLM(), data, batch_size=2)
    assert read_metadata(tmp_path / "run")["versions"] == [own, "9.9.9 (later)"]


def test_progress_goes_on_where_the_parts_end(toys, tmp_path):
    seen, data, sizes = [], toys.reader_dataset([0, 5, 10]), {"chunk_size": 1}
    interrupt(tmp_path / "run", toys.ReaderVLM(), data, batches=2, **sizes)
    watch = {"progress": lambda *step: seen.append(step)}
    sweep_to(tmp_path / "run", toys.ReaderVLM(), data, **sizes, **watch)
    assert seen == [(9, 9)]


def test_a_part_has_no_more_samples_than_asked_for(toys, tmp_path):
    sweep_to(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset(), batch_size=3, chunk_size=7)
    parts = part_files(tmp_path / "run")
    assert [len(set(rows_of(part))) for part in parts] == [6, 6, 6, 2]
    assert sorted(rows_done(tmp_path / "run").tolist()) == list(range(20))


@pytest.mark.parametrize("stranger", ["notes.txt", "part-00000000.parquet"])
def test_a_folder_of_something_else_is_left_alone(toys, tmp_path, stranger):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / stranger).write_text("mine")
    with pytest.raises(DataError, match=f"mine is not empty and no run of .* but {stranger}"):
        sweep_to(tmp_path / "mine", toys.ReaderVLM(), toys.reader_dataset([0, 5]))
    assert os.listdir(tmp_path / "mine") == [stranger]
    assert (tmp_path / "mine" / stranger).read_text() == "mine"


def test_a_file_without_an_ending_is_refused(toys, tmp_path):
    (tmp_path / "curves").write_text("mine")
    with pytest.raises(DataError, match="curves is a file; give a folder, or a file that ends in"):
        sweep_to(tmp_path / "curves", toys.ReaderVLM(), toys.reader_dataset([0, 5]))


def test_a_kill_while_the_folder_is_removed_costs_nothing(toys, tmp_path):
    out, beside = tmp_path / "c.parquet", tmp_path / "c.parquet.run"
    sweep_to(out, toys.ReaderVLM(), toys.reader_dataset())
    beside.mkdir()
    (beside / "part-00000003.parquet").write_bytes(b"left, without its manifest")
    model = toys.ReaderVLM()
    sweep_to(out, model, toys.reader_dataset())
    assert model.calls == []
    assert os.listdir(tmp_path) == ["c.parquet"]


def test_a_damaged_part_is_named(toys, tmp_path):
    sweep_to(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset([0, 5]))
    (tmp_path / "run" / "part-00000000.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"part-00000000.parquet is no Parquet file"):
        sweep_to(tmp_path / "run", toys.ReaderVLM(), toys.reader_dataset([0, 5]))


@pytest.mark.parametrize("text", ["{", "[]", '{"model": "m3"}', '{"versions": ["1"]}'])
def test_a_damaged_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=r"manifest.json (cannot be read|is no manifest|lacks)"):
        read_curves(tmp_path)


def test_a_folder_that_is_no_run_is_no_curves(tmp_path):
    with pytest.raises(DataError, match=r"no run of the oracle: it has no manifest\.json"):
        read_curves(tmp_path)


def test_the_manifest_says_what_the_run_was_made_of(toys, tmp_path):
    data = toys.reader_dataset()
    sweep_to(tmp_path / "run", toys.ReaderVLM(), data, scorer="anls")
    found = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert found["data"] == fingerprint(data)
    assert (found["model"], found["weights"], found["scorer"]) == ("reader", "reader", "anls")
    assert found["begun"].endswith("+00:00")


def test_a_repeated_id_is_refused_before_anything_runs_or_is_decoded(toys, out, tmp_path):
    data, model = toys.reader_dataset([0, 5, 0]), toys.ReaderVLM()
    data = data.cast_column("image", toys.Image(decode=False))
    torn = data.map(lambda row: {"image": {"bytes": b"torn", "path": None}})
    with pytest.raises(ValueError, match="1 of 3 are repeated"):
        sweep_to(out, model, torn.cast_column("image", toys.Image()), chunk_size=1)
    assert model.calls == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [{"chunk_size": 0}, {"batch_size": 0}, {"max_errors": -1}])
def test_sizes_out_of_range_are_refused(toys, out, bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} must be at least"):
        sweep_to(out, toys.ReaderVLM(), toys.reader_dataset([0]), **bad)
