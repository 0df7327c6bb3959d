import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from oracle.cli import app
from oracle.curves import write_curves
from oracle.labels import label

SCORES = np.array([[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
FAST = ("--resamples", "20", "--permutations", "2")


@pytest.fixture
def run(curves_of, tmp_path):
    curves = curves_of(SCORES, (1, 9, 36, 144), groups=["a", "a", "b", "b", "ü, ö"])
    write_curves(tmp_path / "run.parquet", curves, {"model": "toy", "scorer": "exact"})
    return tmp_path / "run.parquet"


def labels(run, *words):
    return CliRunner().invoke(app, ["labels", str(run), *FAST, *words])


def test_the_table_comes_first_and_json_last(run):
    result = labels(run)
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["rule"], said["unsolved"], said["n"], said["scorer"]) == (
        "stable",
        "cheapest",
        5,
        "exact",
    )
    assert said["samples_per_scale"] == [3, 0, 0, 2]
    assert (said["solved"], said["dropped"]) == (3, 0)
    assert said["m3"]["accuracy"][0] == 0.8
    assert said["m3"]["mean_tokens"][0] == (9 + 1 + 1 + 1 + 144) / 5
    assert said["falling"]["pairs"][0] == round(2 / 15, 4)
    assert said["falling"]["samples"][0] == 0.4
    assert set(said["oracle"]) >= {"first-correct", "stable", "within:0.1", "expected"}
    assert "stable *" in result.stdout
    assert "M3's own count" in result.stdout


@pytest.mark.parametrize("unsolved", ["cheapest", "full", "drop"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_labels_are_written_as_the_rule_gives_them(run, tmp_path, curves_of, unsolved, ending):
    out = tmp_path / "new" / f"labels.{ending}"
    result = labels(run, "--rule", "first-correct", "--unsolved", unsolved, "--out", str(out))
    assert result.exit_code == 0, result.stderr
    rows = (
        pq.read_table(out).to_pylist()
        if ending == "parquet"
        else list(csv.DictReader(out.open(encoding="utf-8", newline="")))
    )
    wanted = label(curves_of(SCORES, (1, 9, 36, 144)), "first_correct", unsolved)
    assert list(rows[0]) == ["id", "group", "rung", "tokens", "solved"]
    assert [int(row["rung"]) for row in rows] == wanted.rungs[wanted.kept].tolist()
    assert [str(row["solved"]).lower() for row in rows] == [
        str(solved).lower() for solved in wanted.solved[wanted.kept]
    ]
    assert (rows[0]["id"], rows[0]["group"], int(rows[0]["tokens"])) == ("s0", "a", 9)
    assert rows[-1]["group"] == "ü, ö"


def test_a_parquet_of_labels_says_by_which_rules(run, tmp_path):
    out = tmp_path / "labels.parquet"
    result = labels(run, "--rule", "within:0.250", "--unsolved", "full", "--out", str(out))
    assert "within:0.25 *" in result.stdout
    about = json.loads(pq.read_schema(out).metadata[b"matryoshka_budget"])
    assert about == {"rule": "within:0.25", "unsolved": "full", "ladder": [1, 9, 36, 144]}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--rule", "best"], "unknown rule 'best'; legal are first-correct, stable, agrees-with"),
        (["--rule", "within"], "unknown rule 'within'"),
        (["--rule", "within:2"], "within:T with T in [0, 1]"),
        (["--rule", "within:nan"], "unknown rule 'within:nan'"),
        (["--out", "labels.xlsx"], "a .parquet or .csv file, got 'labels.xlsx'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, words, line):
    result = labels(run, *words)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert line in result.stderr


def test_labels_never_replace_their_curves(run):
    before = run.read_bytes()
    result = labels(run, "--out", str(run))
    assert (result.exit_code, run.read_bytes()) == (2, before)
    assert "would replace the curves they come from" in result.stderr


def test_a_file_that_is_no_run_is_refused(tmp_path):
    result = labels(tmp_path / "absent.parquet")
    assert (result.exit_code, result.stderr) == (
        2,
        f"budget: no such file of curves: {tmp_path / 'absent.parquet'}\n",
    )


def test_what_cannot_be_labelled_is_refused(curves_of, tmp_path):
    curves = curves_of(np.zeros((2, 2)), answers=np.full((2, 2), ""))
    write_curves(tmp_path / "none.parquet", curves, {"model": "toy", "scorer": "exact"})
    agreeing = labels(tmp_path / "none.parquet", "--rule", "agrees-with-full")
    assert "compares the answers' texts, and all 4 are empty" in agreeing.stderr
    dropped = labels(tmp_path / "none.parquet", "--unsolved", "drop")
    assert "stable solves none of 2 samples, and all are dropped" in dropped.stderr
    assert (agreeing.exit_code, dropped.exit_code) == (2, 2)
