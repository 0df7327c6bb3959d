import json

import numpy as np
import pytest
from typer.testing import CliRunner

from oracle.fingerprint import fingerprint
from oracle.labels import agrees_with_full, stable
from oracle.sweeping import sweep


def test_agreement_needs_no_answers_and_labels_as_agrees_with_full(toys):
    data = toys.reader_dataset().remove_columns("answers")
    curves = sweep(toys.ReaderVLM(), data, scorer="agreement", batch_size=7)
    np.testing.assert_array_equal(curves.scores, curves.answers == curves.answers[:, -1:])
    np.testing.assert_array_equal(stable(curves.scores), agrees_with_full(curves.answers))
    assert (curves.scores[:, -1] == 1).all()


@pytest.mark.parametrize("column", [True, False])
def test_options_come_from_their_column_or_the_question(toys, column):
    data = toys.reader_dataset([5, 50]).remove_columns(["answers", "question"])
    data = data.add_column("answers", [["A"], ["B"]])
    listed = "" if column else "\nA. 5\nB. 50"
    data = data.add_column("question", [f"how red is it{listed}"] * 2)
    if column:
        data = data.add_column("options", [["5", "50"]] * 2)
    curves = sweep(toys.ReaderVLM(), data, scorer="choice")
    assert curves.scores.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_options_are_part_of_what_was_asked(toys):
    data = toys.reader_dataset([5])
    assert fingerprint(data) != fingerprint(data.add_column("options", [["5", "50"]]))


def test_a_run_with_a_function_of_ones_own(toys, tmp_path, monkeypatch):
    from oracle.cli import app

    (tmp_path / "judges.py").write_text("def length(text, answers):\n    return len(text) / 100\n")
    toys.reader_dataset([5, 50]).to_parquet(tmp_path / "data.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("budget.models.load_model", lambda *_, **__: toys.ReaderVLM())
    words = ["run", "--data", "data.parquet", "--out", "c.parquet", "--scorer", "judges:length"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["accuracy"] == [0.025, 0.025, 0.015]
