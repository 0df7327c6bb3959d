import json
import math

import numpy as np
import pytest
from datasets import Dataset

from budget.errors import DataError
from oracle import ingest
from oracle.ingest import (
    Reference,
    curves_of,
    open_logs,
    references,
    refuse_unscored,
    scored,
    with_data,
    with_full_answers,
)
from oracle.joining import Joined, join
from oracle.logs.rows import Choices, Log, LogRow


def answer(number, text):
    return {"question_id": number, "prompt": f"Q{number}?", "text": text, "model_id": "m3"}


def sample(number, text, **more):
    record = {"doc_id": number, "target": "red", "filtered_resps": text, "input": f"Q{number}"}
    return {**record, **more}


@pytest.fixture
def lines(tmp_path):
    def write(name, records):
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return write


def test_logs_come_smallest_scale_first(lines):
    words = [f"{m}={lines(f'run{m}', [answer(0, str(m))])}" for m in (144, 9, 36)]
    found, logs = open_logs(words)
    assert found == "llava"
    assert [(log.scale, log.rows[0].answer) for log in logs] == [(9, "9"), (36, "36"), (144, "144")]


def test_a_path_may_hold_an_equals_sign(lines, tmp_path):
    (tmp_path / "m=9").mkdir()
    path = lines("m=9/run", [answer(0, "x")])
    assert open_logs([f"9={path}"])[1][0].path == path
    with pytest.raises(DataError, match=r"m=9/run does not say its scale; give it as SCALE="):
        open_logs([str(path)])


def test_the_log_says_its_scale_and_is_not_contradicted(lines, tmp_path):
    path = lines("1_samples_t.jsonl", [sample(0, "red", acc=1)])
    results = {"config": {"model_args": {"num_visual_tokens": 36}}, "model_name": "m3"}
    (tmp_path / "1_results.json").write_text(json.dumps(results))
    assert open_logs([str(path)])[1][0].scale == open_logs([f"36={path}"])[1][0].scale == 36
    with pytest.raises(DataError, match="was run with 36 visual tokens, not with 9"):
        open_logs([f"9={path}"])


def test_what_cannot_be_a_ladder_is_refused(lines):
    one, two = lines("a", [answer(0, "x")]), lines("b", [answer(0, "y")])
    other = lines("c", [sample(0, "red", acc=1)])
    with pytest.raises(DataError, match="a is given twice; every scale needs its own log"):
        open_logs([f"9={one}", f"36={one.parent}/../{one.parent.name}/a"])
    with pytest.raises(DataError, match=r"two logs have scale 9: .*a and .*b"):
        open_logs([f"9={one}", f"9={two}"])
    with pytest.raises(DataError, match="at least 1 token, got '0="):
        open_logs([f"0={one}"])
    with pytest.raises(DataError, match=r"several formats cannot be joined: .*a is llava, .*lmms"):
        open_logs([f"9={one}", f"36={other}"])


def test_scales_of_different_metrics_are_not_mixed(lines):
    one = lines("a", [sample(0, "red", acc=1)])
    two = lines("b", [sample(0, "red", anls=1)])
    with pytest.raises(DataError, match=r"metrics differ: acc in .*a, anls in .*b; choose one"):
        open_logs([f"9={one}", f"36={two}"])


def test_a_table_of_options_takes_no_scale(tmp_path):
    (tmp_path / "t.csv").write_text("id,m9_correct,m36_correct\n1,1,0\n")
    found, logs = open_logs([str(tmp_path / "t.csv")])
    assert (found, [log.scale for log in logs]) == ("mmr", [9, 36])
    with pytest.raises(DataError, match="holds 2 scales; give it without 9="):
        open_logs([f"9={tmp_path / 't.csv'}"])


def test_a_log_without_scores_says_what_it_has_instead(lines):
    logs = open_logs([f"9={lines('a', [sample(0, 'red', anls={'answer': 'red'})])}"])[1]
    with pytest.raises(
        DataError, match=r"a has no scores \(metrics without a number: anls\); give"
    ):
        refuse_unscored(logs)
    refuse_unscored([scored(log, "exact") for log in logs])


def test_answers_are_scored_against_the_log_or_the_data(lines):
    log = open_logs([f"9={lines('a', [answer(0, 'Red.'), answer(1, 'two'), answer(2, 'x')])}"])[1][
        0
    ]
    known = {"0": Reference(("red",), "color"), "1": Reference(("3",), "")}
    rows = scored(with_data(log, known), "exact").rows
    assert [row.score for row in rows[:2]] == [1.0, 0.0]
    assert math.isnan(rows[2].score)
    assert [row.trouble for row in rows] == ["", "", "not in the data"]
    assert [row.trouble for row in scored(log, "exact").rows] == ["no right answer"] * 3


def test_choices_are_scored_by_the_options_of_log_or_data(tmp_path, lines):
    table = tmp_path / "t.tsv"
    table.write_text("index\tA\tB\tC\tanswer\tprediction\n1\tdog\tcat\t\tB\ta cat\n")
    log = open_logs([f"9={table}"])[1][0]
    assert log.rows[0].options == ("dog", "cat")
    assert scored(log, "choice").rows[0].score == 1.0
    bare = open_logs([f"9={lines('a', [answer(0, 'a cat')])}"])[1][0]
    columns = {"id": ["0"], "answers": [["B"]]}
    listed = Dataset.from_dict(columns | {"question": ["Who? (A) a dog (B) a cat"]})
    column = Dataset.from_dict(columns | {"question": ["Who?"], "options": [["dog", "cat"]]})
    for data, score in ((listed, 1.0), (column, 1.0), (Dataset.from_dict(columns), 0.0)):
        assert scored(with_data(bare, references(data)), "choice").rows[0].score == score


def test_answers_without_right_ones_are_held_against_the_largest_scales(lines):
    small = lines("a", [answer(0, "Red."), answer(1, "two"), answer(2, "")])
    large = lines("b", [answer(0, "red"), answer(1, "3")])
    logs = [
        scored(log, "agreement")
        for log in with_full_answers(open_logs([f"9={small}", f"36={large}"])[1])
    ]
    assert [row.score for row in logs[0].rows[:2]] == [1.0, 0.0]
    assert logs[0].rows[2].trouble == "no right answer"
    assert [row.score for row in logs[1].rows] == [1.0, 1.0]


def test_a_scorer_that_cannot_score_names_the_line(lines):
    log = open_logs([f"9={lines('a', [sample(0, 'red', acc=1)])}"])[1][0]
    with pytest.raises(DataError, match="a, line 1: vqa_soft needs the answers of at least 4"):
        scored(log, "vqa_soft")
    with pytest.raises(ValueError, match="unknown scorer 'bleu'"):
        scored(log, "bleu")


def joined_of(*columns, **fields):
    rows = [
        [LogRow(1, str(i), score=s, **fields) for i, s in enumerate(column)] for column in columns
    ]
    return Joined([str(i) for i in range(len(columns[0]))], rows, [])


def test_what_logs_do_not_say_stays_unknown():
    curves = curves_of(joined_of([0.0, 1.0], [1.0, 1.0]), (9, 36))
    assert curves.scores.tolist() == [[0.0, 1.0], [1.0, 1.0]]
    assert curves.num_visual_tokens.tolist() == [[9, 36]] * 2
    assert curves.groups.tolist() == ["all", "all"]
    for name in ("confidence", "flops", "seconds"):
        assert np.isnan(getattr(curves, name)).all()
    assert (curves.prompt_tokens == 0).all()


def test_what_logs_say_is_kept():
    known = {"seconds": 0.5, "flops": 1e9, "confidence": -0.1, "prompt_tokens": 7}
    curves = curves_of(
        joined_of([1.0], [1.0], num_visual_tokens=45, group="text", **known), (9, 36)
    )
    for name, value in {**known, "num_visual_tokens": 45}.items():
        assert (getattr(curves, name) == value).all()
    assert curves.groups.tolist() == ["text"]


def test_nothing_joined_says_the_first_trouble(tmp_path):
    logs = [Log(tmp_path / "a", [LogRow(1, "x", score=1.0)], 9), Log(tmp_path / "b", [], 36)]
    with pytest.raises(DataError, match=r"no sample joins; .*'x': missing at scale 36 \(.*b\)"):
        curves_of(join(logs), (9, 36))


def test_answers_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr(ingest, "_MAX_ANSWER_BYTES", 4 * 100 * 2 - 1)
    with pytest.raises(DataError, match=r"longest answer has 100 characters.*--cut-answers"):
        curves_of(joined_of([1.0], [1.0], answer="x" * 100), (9, 36))


def test_choices_reach_the_reader(lines):
    path = lines("a", [sample(0, "red", acc=1, f1=50)])
    logs = open_logs([f"9={path}"], choices=Choices(metric="f1", max_score=100.0))[1]
    assert logs[0].rows[0].score == 0.5
