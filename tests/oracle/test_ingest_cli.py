import csv
import json

import pytest
from typer.testing import CliRunner

from oracle.cli import app
from oracle.curves import read_curves, read_metadata


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def sample(number, text, score):
    record = {"doc_id": number, "target": "red", "filtered_resps": text, "input": f"Q{number}"}
    return {**record, "exact_match": score}


@pytest.fixture
def logs(tmp_path):
    """Two scales of four samples; the second lacks one, has one twice and one without a score."""
    right = {9: [(0, 1), (1, 0), (2, 1), (3, 1)], 36: [(0, 1), (1, 1), (1, 0), (3, None)]}
    for m, rows in right.items():
        records = [sample(number, f"a{number}", score) for number, score in rows]
        text = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / f"run{m}.jsonl").write_text(text)
    return [f"{m}={tmp_path / f'run{m}.jsonl'}" for m in right]


def test_logs_become_curves_and_the_last_line_is_json(logs, tmp_path):
    out = tmp_path / "curves.parquet"
    result = call("ingest", *logs, "--out", out, "--unjoined", tmp_path / "left.csv")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert said["n"] == 1
    assert (said["scales"], said["format"], said["accuracy"]) == ([9, 36], "lmms-eval", [1.0, 1.0])
    assert said["left_out"] == 3
    assert said["reasons"] == {"duplicate": 1, "missing": 1, "no score": 1}
    curves, about = read_curves(out), read_metadata(out)
    assert curves.sample_ids.tolist() == ["0"]
    assert curves.answers.tolist() == [["a0", "a0"]]
    assert (about["source"], about["scorer"]) == ("lmms-eval", "lmms-eval: exact_match")
    with (tmp_path / "left.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["id"], r["reason"], r["scale"], r["line"]) for r in rows] == [
        ("1", "duplicate", "36", "2"),
        ("2", "missing", "36", ""),
        ("3", "no score", "36", "4"),
    ]


def test_samples_that_do_not_join_are_shown_and_can_be_refused(logs, tmp_path):
    out = tmp_path / "curves.parquet"
    result = call("ingest", *logs, "--out", out, "--require-all")
    assert result.exit_code == 2
    assert "3 samples do not join, by their first trouble" in result.stdout
    assert result.stderr.strip() == "budget: 3 samples do not join; nothing was written"
    assert not out.exists()


def test_curves_of_a_sweep_are_not_replaced_but_ingested_ones_are(logs, tmp_path):
    out = tmp_path / "curves.parquet"
    for _ in range(2):
        assert call("ingest", *logs, "--out", out).exit_code == 0
    out.write_bytes(b"days of work")
    result = call("ingest", *logs, "--out", out)
    assert result.exit_code == 2
    assert out.read_bytes() == b"days of work"


def test_a_summary_of_curves_without_costs_says_null(logs, tmp_path):
    out = tmp_path / "curves.parquet"
    call("ingest", *logs, "--out", out)
    result = call("summary", out)
    assert result.exit_code == 0, result.stderr
    oracles = json.loads(result.stdout.splitlines()[-1])["oracle"]
    assert oracles["stable/cheapest"] == {"accuracy": 1.0, "mean_tokens": 9.0, "mean_flops": None}


def test_logs_without_scores_take_a_scorer_and_right_answers(tmp_path, toys):
    toys.reader_dataset([0, 5]).remove_columns("image").to_parquet(tmp_path / "data.parquet")
    words = []
    for m, texts in {9: ["0", "x"], 36: ["0 units", "5"]}.items():
        path = tmp_path / f"{m}.jsonl"
        records = [{"question_id": f"v{i * 5}", "text": text} for i, text in enumerate(texts)]
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        words.append(f"{m}={path}")
    out = tmp_path / "curves.parquet"
    refused = call("ingest", *words, "--out", out)
    assert refused.exit_code == 2
    assert "has no scores (answers of LLaVA have none); give --scorer" in refused.stderr
    more = ("--scorer", "exact", "--data", tmp_path / "data.parquet", "--model", "m3")
    result = call("ingest", *words, "--out", out, *more, "--cut-answers", 3)
    assert result.exit_code == 0, result.stderr
    curves = read_curves(out)
    assert curves.scores.tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert curves.groups.tolist() == ["low", "low"]
    assert curves.answers.tolist() == [["0", "0 u"], ["x", "5"]]
    assert read_metadata(out)["model"] == "m3"


@pytest.mark.parametrize("options", ["small", "small=x", "small=0", "=9"])
def test_options_that_say_no_scale_are_refused(tmp_path, options):
    result = call("ingest", "x", "--out", tmp_path / "o", "--options", options)
    assert result.exit_code == 2
    assert "--options must be NAME=TOKENS,NAME=TOKENS" in result.stderr
