"""Documents that are asked round after round, answered by the shipped M3."""

import pytest

from budget.errors import DataError
from experiments.evals.harness_model import HarnessModel
from experiments.evals.model_args import ModelArgs
from experiments.evals.places import Place
from experiments.evals.prompts import Prompted
from experiments.evals.rounds import MOST_ROUNDS, Round, Talk, talk


@pytest.fixture
def model():
    return HarnessModel(ModelArgs("m3"), say=print, warn=print)


def asks(question):
    return lambda: Prompted([], question)


def test_every_document_goes_its_own_number_of_rounds(model):
    heard = []

    def until(last):
        def next_round(number, outputs, told):
            heard.append((last, number, len(outputs), told))
            if number == last:
                return Round(None)
            return Round(asks(f"Is it {outputs[-1]}?"), None, (told or 0) + 10)

        return next_round

    talks = [
        Talk(Place("t", last), asks("Which color?"), {"max_new_tokens": 3}, until(last))
        for last in (1, 3)
    ]
    done = talk(model, talks)
    assert [len(each.outputs) for each in done] == [1, 3]
    assert [len(each.answers) for each in done] == [1, 3]
    assert heard == [(1, 1, 1, None), (3, 1, 1, None), (3, 2, 2, 10), (3, 3, 3, 20)]
    assert model.report.answers == 4
    assert talks[0].outputs == []  # what was given stays as it was


def test_the_task_may_keep_the_answers_in_its_own_words(model):
    def next_round(number, outputs, told):
        kept = [f"<{text}>" for text in outputs]
        return Round(None if number == 2 else asks("And now?"), kept)

    (done,) = talk(model, [Talk(Place("t", 0), asks("Which color?"), {}, next_round)])
    assert done.outputs[0].startswith("<<")
    assert done.outputs[1].startswith("<")


def test_rounds_without_end_are_stopped(model):
    endless = Talk(
        Place("t", 0), asks("Why?"), {"max_new_tokens": 1}, lambda *_: Round(asks("Why?"))
    )
    line = rf"task t, document 0, round {MOST_ROUNDS - 1}: the task goes on after {MOST_ROUNDS}"
    with pytest.raises(DataError, match=line):
        talk(model, [endless])
