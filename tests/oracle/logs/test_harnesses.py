"""lmms-eval and lm-evaluation-harness, on records laid out as they write them."""

import json
import math

import pytest

from budget.errors import DataError
from oracle.logs.lm_eval import read_lm_eval
from oracle.logs.lmms_eval import read_lmms_eval
from oracle.logs.rows import Choices

from .conftest import lm_record, lmms_record


def read_lmms(path, kind="jsonl", **choices):
    return read_lmms_eval(path, kind, Choices(**choices))[0]


def read_lm(path, **choices):
    return read_lm_eval(path, Choices(**choices))[0]


def write_results(path, scale, **more):
    config = {"model": "llava", "model_args": f"pretrained=x,num_visual_tokens={scale}"}
    path.write_text(json.dumps({"config": config, "model_name": "mucai/m3", **more}))


def test_a_sample_of_lmms_eval_is_its_doc_id(lines):
    path = lines("20261120_101112_samples_tiny.jsonl", [lmms_record(2, "bus", exact_match=1.0)])
    log = read_lmms(path)
    row = log.rows[0]
    assert (row.key, row.answer, row.score, row.target) == ("2", "bus", 1.0, "bus")
    assert row.question.startswith("What word?")
    assert (row.prompt_tokens, row.num_visual_tokens) == (42, 0)
    assert (log.task, log.scale, log.metric) == ("tiny", None, "exact_match")


def test_the_scale_stands_in_the_results_file_beside_the_log(lines, tmp_path):
    path = lines("20261120_101112_samples_tiny.jsonl", [lmms_record(0, "red", wer=0.0, acc=1)])
    lower = {"higher_is_better": {"tiny": {"wer": False, "acc": True}}}
    write_results(tmp_path / "20261120_101112_results.json", 36, **lower)
    log = read_lmms(path)
    assert (log.scale, log.model, log.metric) == (36, "mucai/m3", "acc")


def test_dates_tell_the_runs_of_lm_eval_apart(lines, tmp_path):
    for day, scale in (("20", 9), ("21", 36)):
        date = f"2026-11-{day}T10-11-12.123456"
        path = lines(f"samples_tiny_vqa_{date}.jsonl", [lm_record(0, "red", acc=1)])
        write_results(tmp_path / f"results_{date}.json", scale)
        assert (read_lm(path).scale, read_lm(path).task) == (scale, "tiny_vqa")


def test_the_early_layout_of_lmms_eval_says_its_scale_itself(tmp_path):
    record = lmms_record(0, ["red"], gqa=1.0)
    record["arguments"] = [record.pop("input"), {"max_new_tokens": 16}]
    args = {"model": "llava", "model_args": "pretrained=x", "matryoshka_vis_token_scale": "9"}
    path = tmp_path / "gqa.json"
    path.write_text(json.dumps({"args": args, "model_configs": {}, "logs": [record]}, indent=4))
    log = read_lmms(path, "json")
    assert (log.scale, log.task, log.metric) == (9, "gqa", "gqa")
    assert log.rows[0].answer == "red"
    assert log.rows[0].question.startswith("What color?")


def test_metrics_without_a_score_are_named(lines):
    record = lmms_record(0, "red", anls={"questionId": 3, "answer": "red"})
    log = read_lmms(lines("log.jsonl", [record]))
    assert math.isnan(log.rows[0].score)
    assert log.metric == ""
    assert log.unscored == "metrics without a number: anls"


def test_a_category_in_a_metric_is_the_group(lines):
    record = lmms_record(0, "red", mmstar={"l2_category": "charts", "score": 1})
    assert read_lmms(lines("log.jsonl", [record])).rows[0].group == "charts"


def test_choices_by_likelihood_are_answers(lines):
    record = lmms_record(0, [["-2.0", "False"], ["-1.0", "True"]], acc=1.0)
    assert read_lmms(lines("lmms.jsonl", [record])).rows[0].answer == "choice 2"
    record = lm_record(0, "", acc=1.0)
    record["filtered_resps"] = [["-2.0", "False"], ["-1.0", "True"]]
    record["arguments"] = {
        f"gen_args_{i}": {"arg_0": "Q", "arg_1": f" {c}"} for i, c in [(0, "no"), (1, "yes")]
    }
    record["target"] = "0"
    row = read_lm(lines("lm.jsonl", [record])).rows[0]
    assert (row.answer, row.references) == ("yes", ("no",))


def test_a_sample_of_lm_eval_is_its_doc_id_and_document(lines):
    row = read_lm(lines("log.jsonl", [lm_record(1, "2", acc=0)])).rows[0]
    assert (row.key, row.answer, row.score, row.target) == ("1", "2", 0.0, "2")
    assert "hash1" in row.question
    assert "How many?" in row.question


def test_of_several_filters_one_must_be_chosen(lines):
    records = [
        lm_record(0, a, filter=f, acc=s) for f, a, s in [("strict", "x", 0), ("flex", "red", 1)]
    ]
    path = lines("log.jsonl", records)
    with pytest.raises(DataError, match="several filters; choose one with --filter: flex, strict"):
        read_lm(path)
    assert [row.answer for row in read_lm(path, filter="flex").rows] == ["red"]
    with pytest.raises(DataError, match="no filter 'none'; legal are flex, strict"):
        read_lm(path, filter="none")


def test_a_line_that_is_no_sample_is_named(lines):
    lmms = lines("lmms.jsonl", [lmms_record(0, "red", acc=1), {"doc_id": 1}])
    with pytest.raises(DataError, match="line 2: no sample of lmms-eval, it lacks filtered_resps"):
        read_lmms(lmms)
    lm = lines("lm.jsonl", [lm_record(0, "red", acc=1), {"doc_id": 1}])
    with pytest.raises(
        DataError, match=r"line 2: no sample of lm-eval.* lacks filtered_resps, arg"
    ):
        read_lm(lm)


def test_scores_in_percent_need_to_be_said(lines):
    path = lines("log.jsonl", [lmms_record(0, "red", acc=50.0)])
    with pytest.raises(DataError, match=r"line 1: a score must lie in \[0, 1\], got 50"):
        read_lmms(path)
    assert read_lmms(path, max_score=100.0).rows[0].score == 0.5
