"""Runs are written where they were asked for, and nowhere else."""

import sqlite3

import pytest

from experiments.tracking import MLflowTracker, NullTracker, Tracker


def record(tracker: Tracker, artifact) -> None:
    with tracker:
        tracker.params({"recipe": "m3", "seed": 0})
        for step, loss in enumerate([2.0, 1.0, 0.5]):
            tracker.log({"loss": loss}, step=step)
        tracker.artifact(artifact)
        tracker.artifact(artifact.parent, "all")
        tracker.tag({"policy_sha256": "0"})


@pytest.fixture
def note(tmp_path):
    path = tmp_path / "notes" / "note.txt"
    path.parent.mkdir()
    path.write_text("kept")
    return path


def test_off_is_an_object(note, tmp_path):
    record(NullTracker(), note)
    assert list(tmp_path.rglob("*")) == [note.parent, note]


def test_a_run_lands_in_the_folder_given(note, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    tracker = MLflowTracker("scenes", folder=tmp_path / "runs")
    record(tracker, note)
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as database:
        losses = database.execute("select step, value from metrics order by step").fetchall()
        statuses = database.execute("select run_uuid, status from runs").fetchall()
        tags = dict(database.execute("select key, value from tags").fetchall())
    assert losses == [(0, 2.0), (1, 1.0), (2, 0.5)]
    assert statuses == [(tracker.run_id, "FINISHED")]
    assert tags["policy_sha256"] == "0"
    found = sorted((tmp_path / "runs").rglob("note.txt"))
    assert [path.parent.name for path in found] == ["all", "artifacts"]
    assert [path.read_text() for path in found] == ["kept"] * 2
    assert list(elsewhere.iterdir()) == []


def test_an_experiment_without_a_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs a name"):
        MLflowTracker("", folder=tmp_path)
