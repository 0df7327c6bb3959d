import math

import pytest

from budget.errors import DataError
from oracle.logs.llava import read_llava
from oracle.logs.rows import Choices

from .conftest import llava_record


def read(path, **choices):
    return read_llava(path, Choices(**choices))[0]


def test_an_answer_is_its_question_id_and_has_no_score(lines):
    log = read(lines("run.jsonl", [llava_record(0, "red"), llava_record(1, "2")]))
    assert [(row.key, row.answer) for row in log.rows] == [("0", "red"), ("1", "2")]
    assert all(math.isnan(row.score) for row in log.rows)
    assert (log.model, log.metric, log.scale) == ("m3", "", None)


def test_rounds_of_one_question_are_samples_of_their_own(lines):
    records = [llava_record(0, "A", round_id=0), llava_record(0, "B", round_id=1)]
    assert [row.key for row in read(lines("run.jsonl", records)).rows] == ["0/0", "0/1"]


def test_a_line_that_is_no_answer_is_named(lines):
    path = lines("run.jsonl", [llava_record(0, "red"), {"question_id": 1}])
    with pytest.raises(DataError, match=r"run.jsonl, line 2: no answer of LLaVA, it lacks text"):
        read(path)
    with pytest.raises(DataError, match="no metric 'hit': answers of LLaVA have no scores"):
        read(path, metric="hit")
