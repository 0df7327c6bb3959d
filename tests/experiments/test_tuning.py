"""A study goes on where it was killed, refuses what it is not about, and says what it found."""

import csv
import json
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from budget.errors import BudgetError, DataError, PolicyError
from experiments.tuning.features_cache import cached_split
from experiments.tuning.repeats import paired_gain
from experiments.tuning.run import tune
from experiments.tuning.study import JOURNAL, counted, finished, open_study, search
from experiments.tuning.task import TuningTask
from policies.families import FAMILIES
from policies.reading import Readers
from policies.search_spaces import SPACES, space_defaults
from policies.settings_file import read_settings

SCRIPT = Path(__file__).with_name("toy_tuning.py")
TOY = runpy.run_path(str(SCRIPT))
toy_task = TOY["toy_task"]


@pytest.fixture(autouse=True)
def toy_family(monkeypatch):
    monkeypatch.setitem(FAMILIES, "toy", TOY["FAMILY"])
    monkeypatch.setitem(SPACES, "toy", TOY["space"])
    before = optuna.logging.get_verbosity()
    yield
    optuna.logging.set_verbosity(before)


def trials_of(folder, task, num_trials=0):
    with open_study(folder, task) as study:
        search(study, task, num_trials)
        return study.get_trials(deepcopy=False)


def outcome(trials):
    """What a study is about: everything but numbers and times of the trials that count."""
    return [
        (t.params, t.value, t.intermediate_values, t.state)
        for t in trials
        if t.state in (TrialState.COMPLETE, TrialState.PRUNED)
    ]


def test_a_killed_study_goes_on_and_ends_like_one_that_was_not(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, str(SCRIPT), str(killed), "12", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    trials = trials_of(killed, toy_task(), 12)
    assert [t.number for t in trials if t.state == TrialState.FAIL] == [4]
    assert len(outcome(trials)) == 12
    assert outcome(trials) == outcome(trials_of(whole, toy_task(), 12))


def test_what_a_killed_writer_leaves_does_no_harm(tmp_path):
    with open_study(tmp_path, toy_task()) as study:
        search(study, toy_task(), 3)
        before = outcome(study.get_trials())
        study.ask()  # and never told
    journal = tmp_path / JOURNAL
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    (tmp_path / f"{JOURNAL}.lock").symlink_to(journal)
    with open_study(tmp_path, toy_task()) as study:
        search(study, toy_task(), 5)
        trials = study.get_trials()
    assert outcome(trials)[:3] == before
    assert [t.state.name for t in trials] == ["COMPLETE"] * 3 + ["FAIL"] + ["COMPLETE"] * 2
    for line in journal.read_text().splitlines():
        json.loads(line)


def test_trials_that_are_there_are_not_done_again(tmp_path, capsys):
    for _ in range(2):
        tune(toy_task(), tmp_path, num_trials=4, repeats=1)
    first, second = (json.loads(x) for x in capsys.readouterr().out.splitlines() if x[0] == "{")
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert second["trials"] == len(trials_of(tmp_path, toy_task())) == 4


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"shift": 0.3}, "scores"),
        ({"seed": 1}, "folds, seed"),
        ({"num_folds": 4}, "folds"),
        ({"n": 170}, "samples, scores, folds"),
    ],
)
def test_another_study_is_refused_in_one_line(tmp_path, other, named):
    trials_of(tmp_path, toy_task())
    with pytest.raises(DataError, match=f"holds a study with other {named};") as caught:
        trials_of(tmp_path, toy_task(**other))
    assert "\n" not in str(caught.value)


def test_more_threads_are_the_same_study(tmp_path):
    trials_of(tmp_path, toy_task())
    assert trials_of(tmp_path, toy_task(threads=2)) == []


def test_two_processes_do_not_share_a_folder(tmp_path):
    with (
        open_study(tmp_path, toy_task()),
        pytest.raises(DataError, match="is in use by process"),
        open_study(tmp_path, toy_task()),
    ):
        pass


def test_it_finds_better_settings_than_the_defaults_and_writes_them(tmp_path, capsys):
    found = tune(toy_task(), tmp_path, num_trials=20, repeats=2)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    trials = finished_first(tmp_path)
    assert trials[0].user_attrs["settings"] == space_defaults("toy")
    assert last["cv_default"] == trials[0].value
    # Right answers are partly luck here, so many neighbours are better than five.
    assert found.settings["n_neighbors"] > 5
    assert found.value == last["cv_gap_closed_stable"] > last["cv_default"]
    assert last["gain"] > 0
    assert len(found.gain.best) == 6
    assert sum(last["importance"].values()) == pytest.approx(1.0)
    written = read_settings(tmp_path / "settings.json")
    assert (written.family, written.settings) == ("toy", found.settings)
    rows = list(csv.DictReader((tmp_path / "trials.csv").read_text().splitlines()))
    assert len(rows) == last["trials"] == 20
    assert max(float(row["gap_closed_stable"]) for row in rows) == pytest.approx(found.value)
    assert (tmp_path / "tuning.png").read_bytes().startswith(b"\x89PNG")


def finished_first(folder):
    with open_study(folder, toy_task()) as study:
        return sorted(finished(study), key=lambda trial: trial.number)


def test_bad_trials_are_given_up_after_two_folds(tmp_path):
    task = toy_task(num_folds=4)
    with open_study(tmp_path, task) as study:
        search(study, task, 25)
        pruned = [t for t in counted(study) if t.state == TrialState.PRUNED]
        best = float(finished(study)[0].value)
    assert pruned
    assert all(2 <= len(t.intermediate_values) < 4 for t in pruned)
    assert all(max(t.intermediate_values.values()) <= best for t in pruned)


def test_one_trial_is_enough_to_end(tmp_path, capsys):
    tune(toy_task(), tmp_path, num_trials=1, repeats=0)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["trials"], last["gain"], last["gain_beyond_noise"]) == (1, None, False)
    assert last["importance"] == {}


def test_a_real_family_is_tuned(tmp_path, capsys):
    toy = toy_task(n=60, num_folds=2)
    task = TuningTask("lightgbm", toy.sample_ids, toy.features, toy.scores, toy.scales, 2)
    found = tune(task, tmp_path, num_trials=2, repeats=0)
    assert set(found.settings) == set(space_defaults("lightgbm"))


def test_bad_input_is_refused():
    with pytest.raises(PolicyError, match="no search space for the family 'nets'; there is one"):
        TuningTask("nets", [], np.zeros((0, 2)), np.zeros((0, 3)), (1, 4, 16))
    toy = toy_task()
    flat = TuningTask("toy", toy.sample_ids, toy.features, np.ones_like(toy.scores), toy.scales)
    with pytest.raises(DataError, match="nothing to tune for: on fold 0"):
        flat.values({})
    with pytest.raises(ValueError, match="trials must be at least 1"):
        tune(toy, Path("never-made"), num_trials=0, repeats=0)
    assert not Path("never-made").exists()


def test_the_error_of_a_gain_knows_that_folds_overlap():
    rng = np.random.default_rng(0)
    default = rng.normal(0.3, 0.05, size=20)
    gain = paired_gain(default + rng.normal(0.02, 0.01, size=20), default, num_folds=5)
    plain = np.subtract(gain.best, gain.default).std(ddof=1) / np.sqrt(20)
    assert gain.error == pytest.approx(plain * np.sqrt(1 + 20 / 4))
    assert gain.mean == pytest.approx(0.02, abs=0.01)


def test_features_are_read_once_and_only_for_what_they_are_of(tmp_path):
    from PIL import Image

    class Table:
        def __init__(self, ids):
            self.ids = ids

        def __getitem__(self, key):
            if key == "id":
                return self.ids
            picked = [self.ids[row] for row in key]
            return {
                "image": [Image.new("RGB", (8, 8), (len(name) * 20,) * 3) for name in picked],
                "question": picked,
            }

    ids, reads = ["a", "bb", "ccc"], []

    class Curves:
        sample_ids = np.array(ids)

    def data(source, split, needed):
        reads.append((source, split))
        return Table(ids)

    def split(source="toy", name="fit"):
        readers = Readers(lambda path: Curves(), data)
        return cached_split(
            readers, tmp_path / "features.npz", curves=Path("c"), data=source, split=name
        )

    first, again = split(), split()
    assert (first.features == again.features).all()
    assert reads == [("toy", "fit")]
    split("other")
    split("other", "test")
    (tmp_path / "features.npz").write_bytes(b"PK\x03\x04 cut off")
    assert (split("other", "test").features == first.features).all()
    assert len(reads) == 4


def test_errors_are_ones_that_commands_put_into_one_line():
    assert issubclass(DataError, BudgetError)
    assert issubclass(PolicyError, BudgetError)
