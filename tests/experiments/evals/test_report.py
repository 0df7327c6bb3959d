import json
import math

import pytest

from budget.adaptive import AdaptiveAnswer
from budget.ladder import ScaleLadder
from budget.planning import Choice
from experiments.evals.places import Place
from experiments.evals.report import Report

LADDER = ScaleLadder((1, 4, 9))


def answer(*scales, full=100.0, fallback=""):
    choices = tuple(Choice(m, tuple(LADDER).index(m), (), "because", fallback) for m in scales)
    flops = math.nan if math.isnan(full) else full * sum(scales) / 100
    return AdaptiveAnswer(
        "yes", (5, 2), sum(scales), 20, choices, 0.5, math.nan, len(scales), flops, full
    )


def test_answers_are_counted_by_image():
    report = Report(LADDER)
    for own in ((1,), (9, 4), (), (9,)):
        report.add(Place("t", 0), answer(*own))
    assert report.values() == pytest.approx(
        {
            "failed": 0,
            "visual_tokens": 23 / 4,
            "decision_ms": 0.5,
            "share_at_1": 0.25,
            "share_at_4": 0.25,
            "share_at_9": 0.5,
            "flops_of_full": 23 / 400,
        }
    )
    assert report.line() == (
        "4 answers about 4 images; 5.8 visual tokens an image (largest scale 9), decided in "
        "0.50 ms; images at scale 1: 25.0%, 4: 25.0%, 9: 50.0%; FLOPs 0.058 of the largest scale's"
    )


def test_what_is_unknown_is_left_out():
    report = Report(LADDER)
    report.add(Place("t", 0), answer(1, full=math.nan, fallback="outlier"))
    assert "flops_of_full" not in report.values()
    assert "FLOPs" not in report.line()
    assert report.line().endswith("1 answers at a fallback scale")


def test_nothing_was_asked():
    assert Report(LADDER).values() == {"failed": 0}
    assert Report(LADDER).line() == "0 answers about 0 images"


def test_a_fixed_scale_between_two_rungs_has_its_share():
    report = Report(LADDER)
    between = answer(4)
    report.add(
        Place("t", 0),
        AdaptiveAnswer("yes", (5,), 6, 20, (Choice(6, -1, (), "", ""),), 0.0, -1.0, 1, 1.0, 2.0),
    )
    report.add(Place("t", 1), between)
    assert report.values()["share_at_6"] == 0.5


def test_lines_replace_an_older_file_and_are_plain_json(tmp_path):
    path = tmp_path / "choices.jsonl"
    path.write_text("old\n")
    report = Report(LADDER, path)
    report.add(Place("t", 3, round=1), answer(4))
    report.add_failed(Place("t", 4), "torn")
    first, second = map(json.loads, path.read_text().splitlines())
    assert (first["task"], first["doc_id"], first["repeat"], first["round"]) == ("t", 3, 0, 1)
    assert first["choices"] == [
        {"num_visual_tokens": 4, "rung": 1, "scores": [], "reason": "because", "fallback": ""}
    ]
    assert first["confidence"] is None  # NaN is no JSON
    assert second == {"task": "t", "doc_id": 4, "repeat": 0, "round": 0, "error": "torn"}
    assert report.failed == 1


def test_a_place_that_cannot_be_written_is_said_before_anything_is_asked(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Report(LADDER, tmp_path / "nowhere" / "choices.jsonl")
