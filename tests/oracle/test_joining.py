from pathlib import Path

import numpy as np

from oracle.joining import join, reasons, told_apart
from oracle.logs.rows import Log, LogRow


def log(scale, *rows):
    return Log(Path(f"run{scale}.jsonl"), list(rows), scale=scale, metric="exact")


def row(line, key, score=1.0, **more):
    return LogRow(line=line, key=key, score=score, **more)


def troubles(joined):
    return [(e.sample_id, e.reason, e.scale, e.line) for e in joined.unjoined]


def test_samples_join_by_key_whatever_their_order():
    joined = join([log(9, row(1, "a"), row(2, "b")), log(36, row(1, "b", 0.5), row(2, "a", 0.0))])
    assert joined.sample_ids == ["a", "b"]
    assert [[r.score for r in rows] for rows in joined.rows] == [[1.0, 1.0], [0.0, 0.5]]
    assert not joined.unjoined


def test_every_row_is_joined_or_listed():
    rng = np.random.default_rng(0)
    for _ in range(50):
        keys = [[str(k) for k in rng.integers(0, 12, size=10)] for _ in range(3)]
        logs = [
            log(m, *(row(i, key) for i, key in enumerate(names, start=1)))
            for m, names in zip((1, 9, 36), keys, strict=True)
        ]
        joined = join(logs)
        once = set.intersection(*({k for k in names if names.count(k) == 1} for names in keys))
        assert set(joined.sample_ids) == once
        assert {e.sample_id for e in joined.unjoined} == set().union(*keys) - once


def test_a_key_that_is_there_twice_is_left_out_and_both_lines_named():
    joined = join([log(9, row(1, "a"), row(5, "a", 0.0)), log(36, row(1, "a"))])
    assert troubles(joined) == [("a", "duplicate", 9, 1)]
    assert joined.unjoined[0].detail == "in lines 1, 5"


def test_another_question_or_target_under_one_key_does_not_join():
    first = log(9, row(1, "a", question="What?\n"), row(2, "b", target="red"), row(3, "c"))
    other = log(36, row(1, "a", question="How?"), row(2, "b", target="blue"), row(3, "c"))
    joined = join([first, other])
    assert joined.sample_ids == ["c"]
    assert troubles(joined) == [("a", "question differs", 36, 1), ("b", "target differs", 36, 2)]


def test_blanks_in_a_question_do_not_count():
    one, other = row(1, "a", question="What? \r\n Say."), row(1, "a", question="What?\nSay.")
    assert join([log(9, one), log(36, other)]).sample_ids == ["a"]


def test_a_row_without_a_score_is_missing_not_wrong():
    joined = join([log(9, row(1, "a", float("nan"))), log(36, row(4, "a", trouble="no answer"))])
    assert troubles(joined) == [("a", "no score", 9, 1), ("a", "no answer", 36, 4)]


def test_reasons_count_each_sample_once_by_its_first_trouble():
    joined = join([log(9, row(1, "a"), row(2, "b")), log(36), log(144)])
    found = reasons(joined.unjoined)
    assert [e.sample_id for e in found["missing"]] == ["a", "b"]
    assert [e.scale for e in found["missing"]] == [36, 36]
    assert len(joined.unjoined) == 4


def test_questions_that_share_an_image_are_told_apart():
    def asked(line, question):
        return row(line, "img", finer_key=f"img/{question}", question=question)

    whole = log(9, asked(1, "What?"), asked(2, "How?"), row(3, "x", finer_key="x/Who?"))
    killed = log(36, asked(1, "How?"), row(2, "x", finer_key="x/Who?"))
    joined = join(told_apart([whole, killed]))
    assert joined.sample_ids == ["img/How?", "x"]
    assert troubles(joined) == [("img/What?", "missing", 36, 0)]
