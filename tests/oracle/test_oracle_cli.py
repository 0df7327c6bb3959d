import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from typer.testing import CliRunner

from oracle.cli import app
from oracle.curves import read_curves

MODEL = Path(__file__).parents[1] / "fixtures" / "m3_original"


def run(data, out, *words):
    fixed = ["--data", str(data), "--out", str(out), "--model", str(MODEL)]
    return CliRunner().invoke(app, ["run", *fixed, "--max-new-tokens", "2", *words])


@pytest.fixture
def data(toys, tmp_path):
    toys.reader_dataset([0, 60, 90]).to_parquet(tmp_path / "data.parquet")
    return tmp_path / "data.parquet"


def test_run_writes_curves_of_a_real_model_and_ends_in_json(data, tmp_path):
    result = run(data, tmp_path / "curves.parquet", "--limit", "2")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    curves = read_curves(tmp_path / "curves.parquet")
    assert said["n"] == len(curves) == 2
    assert said["scales"] == list(curves.scales)
    assert said["accuracy"] == curves.scores.mean(axis=0).tolist()
    assert set(said["oracle"]) == {
        f"{rule}/{charged}"
        for rule in ("first_correct", "stable")
        for charged in ("cheapest", "full")
    }
    assert said["seconds"] > 0
    assert (curves.num_visual_tokens == curves.scales).all()
    assert (curves.flops[:, 1:] > curves.flops[:, :-1]).all()
    assert "answers" in result.stderr  # progress


def test_summary_reads_what_run_wrote(data, tmp_path):
    run(data, tmp_path / "curves.parquet")
    result = CliRunner().invoke(app, ["summary", str(tmp_path / "curves.parquet")])
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout.splitlines()[-1])
    assert (said["n"], said["scorer"], set(said["groups"])) == (3, "exact", {"low", "high"})
    assert "m=1 " in result.stdout


def test_a_run_s_folder_is_taken_wherever_a_file_of_curves_is(data, tmp_path):
    result = run(data, tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1])["out"] == str(tmp_path / "run")
    for words in (["summary"], ["labels"], ["export", "--out", str(tmp_path / "mmr")]):
        done = CliRunner().invoke(app, [words[0], str(tmp_path / "run"), *words[1:]])
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["n"] == 3


def test_a_sample_that_fails_is_counted_and_listed(data, tmp_path):
    table = pq.read_table(data).to_pylist()
    table[1]["image"] = {"bytes": b"torn", "path": None}
    Dataset.from_list(table).to_parquet(data)
    for words in ([], ["--retry-errors"]):
        result = run(data, tmp_path / "run", *words)
        assert result.exit_code == 0, result.stderr
        said = json.loads(result.stdout.splitlines()[-1])
        assert (said["n"], said["errors"]) == (2, 1)
        assert "1 of 3 samples failed and are left out above; the first" in result.stdout
        assert "v60     DataError: " in result.stdout
    shown = CliRunner().invoke(app, ["summary", str(tmp_path / "run")])
    assert json.loads(shown.stdout.splitlines()[-1])["errors"] == 1
    given_up = run(data, tmp_path / "other", "--max-errors", "0")
    assert given_up.exit_code == 2
    assert given_up.stderr.splitlines()[-1].startswith("budget: stopped: 1 of 3 samples failed")


def test_weights_that_changed_make_another_run(data, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    assert run(data, tmp_path / "run", "--model", str(folder)).exit_code == 0
    with (folder / "tokenizer_config.json").open("a") as file:
        file.write(" ")
    result = run(data, tmp_path / "run", "--model", str(folder))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "run belongs to another run: weights '" in result.stderr


def test_run_takes_a_question_file_of_llava_and_says_what_it_took(data, toys, tmp_path):
    (tmp_path / "pictures").mkdir()
    toys.reader_dataset([60])[0]["image"].save(tmp_path / "pictures" / "1.png")
    row = {"question_id": 7, "image": "1.png", "text": "how red", "answer": "60", "kind": "low"}
    (tmp_path / "questions.jsonl").write_text(json.dumps(row) + "\n")
    flags = ["--image-folder", str(tmp_path / "pictures"), "--group-column", "kind"]
    result = run(tmp_path / "questions.jsonl", tmp_path / "curves.parquet", *flags)
    assert result.exit_code == 0, result.stderr
    curves = read_curves(tmp_path / "curves.parquet")
    assert (curves.sample_ids.tolist(), curves.groups.tolist()) == (["7"], ["low"])
    said = "id from question_id, question from text, answers from answer, group from kind"
    assert result.stderr.splitlines()[0].endswith(said)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--scorer", "bleu"], "unknown scorer 'bleu'; legal are exact"),
        (["--data", "nothing.parquet"], "no such data: 'nothing.parquet'"),
        (["--model", "/no/such/model"], "/no/such/model"),
        (["--answers-column", "right"], "has no column right (--answers-column); it has id,"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(data, tmp_path, words, line):
    result = run(data, tmp_path / "curves.parquet", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("budget: ")
    assert result.stderr.count("\n") == 1
    assert line in result.stderr


def test_a_dataset_without_answers_is_refused(toys, tmp_path):
    bare = toys.reader_dataset([0]).remove_columns(["answers", "group"])
    bare.to_parquet(tmp_path / "bare.parquet")
    result = run(tmp_path / "bare.parquet", tmp_path / "curves.parquet")
    assert result.exit_code == 2
    assert "lacks the column answers; it has id, image, question" in result.stderr


def test_summary_of_nothing_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["summary", str(tmp_path / "absent.parquet")])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
