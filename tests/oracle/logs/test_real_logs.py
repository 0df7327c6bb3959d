"""Logs that the tools themselves wrote: lmms-eval 0.7.3 and lm-eval 0.4.13, a stub as the model.

The stub was right from a known number of tokens on; see ``tests/fixtures/logs/README.md``.
"""

import json
from pathlib import Path

import pytest

from budget.errors import DataError
from oracle.ingest import curves_of, open_logs, refuse_unscored, scored
from oracle.joining import join
from oracle.logs.folders import read_run
from oracle.logs.rows import Choices

LOGS = Path(__file__).parents[2] / "fixtures" / "logs"
SCALES = (1, 9, 36)
RIGHT_FROM = (1, 9, 36, 1, 9, 99)


def right(number, m):
    """Whether the stub was right; the fourth question it knew at 1 and 9 tokens, not at 36."""
    return float(m >= RIGHT_FROM[number] and not (number == 3 and m == 36))


SCORES = [[right(number, m) for m in SCALES] for number in range(6)]


def files(tool, pattern):
    found = [str(path) for path in sorted((LOGS / tool).rglob(pattern))]
    assert len(found) == len(SCALES)
    return found


def folders(tool):
    return [LOGS / tool / str(m) for m in SCALES]


def ingest(words, **choices):
    logs = open_logs([str(word) for word in words], choices=Choices(**choices))[1]
    refuse_unscored(logs)
    joined = join(logs)
    assert not joined.unjoined
    return curves_of(joined, [log.scale for log in logs])


@pytest.mark.parametrize(
    ("task", "third"), [("tinyvqa", "café"), ("tinypope", "Yes"), ("tinymme", "Yes")]
)
def test_lmms_eval_says_scale_and_score_itself(task, third):
    curves = ingest(files("lmms_eval", f"*_samples_{task}.jsonl"))
    assert curves.scales == SCALES
    assert curves.scores.tolist() == SCORES
    assert curves.answers[2].tolist() == ["unsure", "unsure", third]
    assert (curves.prompt_tokens > curves.num_visual_tokens).all()


def test_lmms_eval_groups_by_the_category_in_its_scores():
    groups = ingest(files("lmms_eval", "*_samples_tinymme.jsonl")).groups.tolist()
    assert groups == ["color"] * 2 + ["count"] * 2 + ["numerical_calculation"] * 2


def test_lmms_eval_without_a_score_is_scored_against_its_own_targets():
    logs = open_logs(files("lmms_eval", "*_samples_tinydoc.jsonl"))[1]
    with pytest.raises(DataError, match="metrics without a number: anls, submission"):
        refuse_unscored(logs)
    assert logs[0].rows[2].references == ("café", "CAFÉ")
    joined = join([scored(log, "exact") for log in logs])
    assert curves_of(joined, SCALES).scores.tolist() == SCORES


def test_the_doc_hash_of_lmms_eval_identifies_nothing():
    lines = Path(files("lmms_eval", "*_samples_tinyvqa.jsonl")[0]).read_text().splitlines()
    assert len({json.loads(line)["doc_hash"] for line in lines}) == 1


def test_lm_eval_says_its_scale_where_the_model_takes_one():
    words = files("lm_eval", "samples_tinyvqa_*.jsonl")
    with pytest.raises(DataError, match="several filters; choose one with --filter: lower, strict"):
        open_logs(words)
    curves = ingest(words, filter="strict", group="category")
    assert curves.scales == SCALES
    assert curves.scores.tolist() == SCORES
    assert curves.answers[0].tolist() == ["red"] * 3
    assert curves.groups[:2].tolist() == ["attribute", "counting"]


def test_the_filter_of_lm_eval_changes_answer_and_score():
    curves = ingest(files("lm_eval", "samples_tinyvqa_*.jsonl"), filter="lower")
    assert curves.answers[0].tolist() == ["red."] * 3
    assert not curves.scores.any()


def test_lm_eval_hashes_an_image_by_its_address():
    words = files("lm_eval", "samples_tinyvqa_*.jsonl")
    records = [json.loads(Path(word).read_text().splitlines()[0]) for word in words]
    assert records[0]["doc"] == records[1]["doc"]
    assert records[0]["doc_hash"] != records[1]["doc_hash"]


def test_lm_evals_choices_are_scored_by_likelihood():
    words = files("lm_eval", "samples_tinychoice_*.jsonl")
    with pytest.raises(DataError, match="differ; choose one with --metric: acc, acc_norm"):
        open_logs(words)
    curves = ingest(words, metric="acc")
    assert curves.scores.tolist() == SCORES
    assert curves.answers[2].tolist() == ["unsure", "unsure", "café"]


def test_lm_evals_choices_scored_anew_are_right_where_they_were():
    words = files("lm_eval", "samples_tinychoice_*.jsonl")
    logs = open_logs(words, choices=Choices(metric="acc"))[1]
    joined = join([scored(log, "exact") for log in logs])
    assert curves_of(joined, SCALES).scores.tolist() == SCORES


def test_in_a_folder_a_choice_counts_for_the_tasks_that_have_it():
    curves = ingest(folders("lm_eval"), filter="strict", metric="acc")
    assert set(curves.groups) == {"tinychoice", "tinyvqa"}
    assert curves.scores.tolist() == SCORES + SCORES


@pytest.mark.parametrize(
    ("tool", "choices", "message"),
    [
        ("lmms_eval", {"metric": "f1"}, r"tinydoc.jsonl has no metric 'f1'; it has none"),
        (
            "lm_eval",
            {"filter": "strict", "metric": "f1"},
            "choose one with --metric: acc, acc_norm",
        ),
        ("lm_eval", {"filter": "strikt", "metric": "acc"}, "one with --filter: lower, strict"),
        ("lm_eval", {"metric": "acc"}, "several filters; choose one with --filter: lower, strict"),
    ],
)
def test_a_choice_that_no_task_of_a_folder_has_is_refused(tool, choices, message):
    with pytest.raises(DataError, match=message):
        read_run(folders(tool)[0], None, Choices(**choices))


def test_a_folder_with_an_unscored_task_names_it():
    _, (log,) = read_run(folders("lmms_eval")[0], None, Choices())
    assert {row.group for row in log.rows} == {"tinydoc", "tinymme", "tinypope", "tinyvqa"}
    assert log.unscored == "tinydoc: metrics without a number: anls, submission"
