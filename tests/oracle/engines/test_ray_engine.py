"""Real clusters on this machine: nodes and workers that are killed, runs in two engines."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from oracle.curves import read_metadata
from oracle.run_folder.parts import part_files, rows_done
from oracle.run_folder.reading import read_errors
from oracle.run_folder.runner import sweep_to
from oracle.sweeping import sweep

pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.slow
MODEL = Path(__file__).parents[2] / "fixtures" / "m3_original"


def ended(process, code=0):
    """Wait for a process; return what it printed last, and its errors."""
    told, said = process.communicate(timeout=300)
    assert process.returncode == code, said
    return told.splitlines()[-1] if told else "", said


def test_a_node_that_is_killed_costs_nothing(start, toys, assert_same, tmp_path):
    (tmp_path / "traces").mkdir()
    last, _ = ended(start("toy_cluster.py", tmp_path / "run", tmp_path / "traces"))
    report = json.loads(last)
    worked = {int(path.name) for path in (tmp_path / "traces").iterdir()}
    assert worked & set(report["killed"])
    assert worked - set(report["killed"])
    (line,) = report["said"]
    assert line.startswith(f"a worker on {os.uname().nodename} died, another is started: ")
    assert_same(tmp_path / "run", sweep(toys.ReaderVLM(), toys.reader_dataset(range(80))))


@pytest.fixture(scope="module")
def sick(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray")
    last, _ = ended(start("toy_ray.py", folder))
    return folder, json.loads(last)


def test_a_sample_that_fails_or_kills_its_worker_costs_itself_alone(sick, toys, assert_same):
    folder, report = sick
    died = "WorkerDied: 3 workers died while they ran this sample"
    assert report["sick"] == [[3, "v3", "ValueError: no three"], [7, "v7", died]]
    good = [value for value in range(24) if value not in (3, 7)]
    assert_same(folder / "sick", sweep(toys.ReaderVLM(), toys.reader_dataset(good)))
    assert any(line.startswith("memory ran out with 4 samples at once") for line in report["said"])
    assert sum("died, another is started" in line for line in report["said"]) >= 3


def test_zero_stops_at_the_first_error_and_keeps_the_rest(sick):
    folder, report = sick
    kind, message = report["strict"]
    assert kind == "TooManyErrors"
    assert "1 of 37 samples failed, first 'v3': ValueError: no three" in message
    assert [each.sample_id for each in read_errors(folder / "strict")] == ["v3"]
    assert 0 < len(rows_done(folder / "strict")) < 36


def test_what_ray_began_this_process_finishes(sick, toys, assert_same):
    folder, report = sick
    kind, message = report["stopped"]
    assert (kind, "the same command goes on" in message) == ("RunInterrupted", True)
    done, data = len(rows_done(folder / "stopped")), toys.reader_dataset(range(10, 60))
    assert 0 < done < 50
    model = toys.ReaderVLM()
    sweep_to(folder / "stopped", model, data, batch_size=4, chunk_size=8)
    assert model.encoded == 50 - done + 1  # for the warm-up
    assert_same(folder / "stopped", sweep(toys.ReaderVLM(), data))
    assert max(rows_in(part) for part in part_files(folder / "stopped")) <= 8


def rows_in(part):
    import pyarrow.parquet as pq

    return len(set(pq.read_table(part).column("row").to_pylist()))


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_ctrl_c_writes_what_was_measured_and_the_other_engine_goes_on(
    start, toys, assert_same, tmp_path, engine
):
    data = toys.reader_dataset(range(60))
    data.to_parquet(tmp_path / "data.parquet")
    words = ["--data", tmp_path / "data.parquet", "--out", tmp_path / "run"]
    words += ["--batch-size", 2, "--chunk-size", 4]
    over_ray = ["--engine", "ray", "--workers", 2]
    process = start(
        "toy_command.py", 0.2, *words, *(over_ray * (engine == "ray")), start_new_session=True
    )
    while not part_files(tmp_path / "run"):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
    _, said = ended(process, 130)
    done = len(rows_done(tmp_path / "run"))
    assert 0 < done < 60
    assert said.splitlines()[-1].startswith(f"budget: stopped with {done} of 60 samples done")
    assert "Traceback" not in said
    ended(start("toy_command.py", 0, *words, *(over_ray * (engine == "local"))))
    assert_same(tmp_path / "run", sweep(toys.ReaderVLM(), data))


def test_a_real_model_gives_the_same_table_and_the_same_manifest(
    toys, assert_same, tmp_path, monkeypatch
):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    toys.reader_dataset(range(0, 60, 5)).to_parquet(tmp_path / "data.parquet")
    for name, words in {"here": [], "ray": ["--engine", "ray", "--workers", "2"]}.items():
        run(tmp_path, name, words)
    assert_same(tmp_path / "here", tmp_path / "ray")
    about = [read_metadata(tmp_path / name) for name in ("here", "ray")]
    for each in about:
        del each["begun"]
    assert about[0] == about[1]


def run(folder, name, words):
    import subprocess

    fixed = ["--model", MODEL, "--data", folder / "data.parquet", "--out", folder / name]
    sizes = ["--batch-size", 4, "--max-new-tokens", 2]
    command = [sys.executable, "-m", "experiments.cli", "oracle", "run", *fixed, *sizes, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--ray-address", "127.0.0.1:9"], "no Ray cluster at 127.0.0.1:9"),
        (["--device", "cuda"], "0 GPUs, and one worker needs 1 and 1; --gpus-per-worker and"),
    ],
)
def test_a_cluster_that_is_not_there_or_too_small_is_refused(start, toys, tmp_path, words, line):
    toys.reader_dataset([0, 5]).to_parquet(tmp_path / "data.parquet")
    fixed = ["--data", tmp_path / "data.parquet", "--out", tmp_path / "run", "--engine", "ray"]
    _, said = ended(start("toy_command.py", 0, *fixed, *words), 2)
    assert line in said.splitlines()[-1]
    assert not (tmp_path / "run").exists()
