import math
from pathlib import Path

import pytest

from budget.errors import DataError
from oracle.logs.metrics import pick_metric

LOG = Path("log.jsonl")


def pick(*rows, wanted=None, lower=()):
    return pick_metric(rows, wanted, LOG, lower)


def test_one_number_is_the_score():
    assert pick({"exact_match": 1.0}, {"exact_match": 0.5}) == ("exact_match", [1.0, 0.5])


def test_an_object_with_a_score_is_one_and_without_is_none():
    rows = [{"anls": {"answer": "x"}, "pope_accuracy": {"score": s}} for s in (1.0, 0.0)]
    assert pick(*rows) == ("pope_accuracy", [1.0, 0.0])
    assert pick({"anls": {"questionId": 1, "answer": "12"}}).name == ""


def test_metrics_that_say_the_same_are_one():
    rows = [{"f1": {"score": s}, "accuracy": {"score": s}} for s in (1.0, 0.0)]
    assert pick(*rows) == ("accuracy", [1.0, 0.0])


def test_each_row_may_have_a_metric_of_its_own():
    rows = [{"perception": {"score": 1.0}}, {"cognition": {"score": 0.0}}]
    assert pick(*rows) == ("cognition/perception", [1.0, 0.0])


def test_of_metrics_that_differ_the_one_that_all_rows_have_is_taken():
    assert pick({"all": 1.0, "human": 0.0}, {"all": 0.0}).name == "all"


def test_of_metrics_that_differ_everywhere_one_must_be_chosen():
    rows = [{"acc": 1.0, "acc_norm": 0.0}, {"acc": 0.0, "acc_norm": 0.0}]
    with pytest.raises(DataError, match=r"log.jsonl has metrics that differ.*: acc, acc_norm"):
        pick(*rows)
    assert pick(*rows, wanted="acc_norm").scores == [0.0, 0.0]
    with pytest.raises(DataError, match="no metric 'f1'; legal are acc, acc_norm"):
        pick(*rows, wanted="f1")


def test_an_error_rate_is_no_score():
    assert pick({"wer": 0.1, "acc": 1.0}, lower={"wer"}).name == "acc"
    assert pick({"wer": 0.1}, lower={"wer"}).name == ""


def test_a_row_without_a_number_has_no_score():
    name, scores = pick({"acc": 1.0}, {"acc": None}, {})
    assert name == "acc"
    assert scores[0] == 1.0
    assert math.isnan(scores[1])
    assert math.isnan(scores[2])
