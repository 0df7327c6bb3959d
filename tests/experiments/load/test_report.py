import pytest

from experiments.load.call import Asked, Call, Manner, Outcome
from experiments.load.memory import Memory
from experiments.load.references import References
from experiments.load.report import make_report, passed
from experiments.load.run import LoadRun
from experiments.load.said import Said
from experiments.load.verdict import Fate, Verdict, judge_all, judge_form

ASKED = Asked((), "why is it so")
GOOD = Call("good", b"{}", frozenset({200}), asked=ASKED)
BAD = Call("bad", b"{", frozenset({400}))
GONE = Call("gone", b"{}", frozenset({0, 200}), manner=Manner.LEAVES_WAITING)
REFUSAL = b'{"error": {"message": "m", "type": "t", "param": null, "code": null}}'


def ran(outcomes, start=100, end=100):
    return LoadRun(outcomes, 2.0, Memory(start, start), Memory(end, end), max(start, end))


@pytest.mark.parametrize(
    ("call", "outcome", "fate"),
    [
        (BAD, Outcome(400, 1.0, REFUSAL), Fate.OK),
        (BAD, Outcome(400, 1.0, b'{"detail": "no"}'), Fate.UNEXPECTED),
        (BAD, Outcome(200, 1.0, b"{}"), Fate.UNEXPECTED),
        (BAD, Outcome(500, 1.0, REFUSAL), Fate.SERVER_ERROR),
        (BAD, Outcome(0, 1.0), Fate.LOST),
        (GOOD, Outcome(0, 1.0, problem="ReadTimeout"), Fate.LOST),
        (GOOD, Outcome(200, 1.0, b"{", problem="closed in the middle"), Fate.LOST),
        (GOOD, Outcome(429, 1.0, REFUSAL), Fate.UNEXPECTED),
        (GOOD, Outcome(200, 1.0, b"{}"), Fate.UNEXPECTED),
        (GONE, Outcome(0, 1.0), Fate.OK),
        (GONE, Outcome(503, 1.0), Fate.SERVER_ERROR),
    ],
)
def test_what_came_back_decides_the_fate(call, outcome, fate):
    assert judge_form(call, outcome).fate is fate


def test_a_right_answer_is_ok_and_anothers_is_wrong(runner, answered):
    right = answered("why is it so e3b0c4 []", visual=0, prompt=12)
    other = answered("what is it e3b0c4 []", visual=0, prompt=12)
    verdicts = judge_all([GOOD, GOOD], [right, other], References(runner))
    assert [verdict.fate for verdict in verdicts] == [Fate.OK, Fate.WRONG]


def test_figures_count_every_fate_and_time_good_answers_alone():
    calls = [GOOD] * 3 + [BAD, GONE]
    outcomes = [Outcome(200, ms) for ms in (10.0, 20.0, 30.0)]
    outcomes += [Outcome(400, 9_000.0), Outcome(0, 9_000.0)]
    said = Said("red", "stop", 9, 40)
    fates = (Fate.OK, Fate.WRONG, Fate.LOST, Fate.SERVER_ERROR, Fate.OK)
    verdicts = [Verdict(fate, "why", said if i < 3 else None) for i, fate in enumerate(fates)]
    figures, rows, problems = make_report(calls, ran(outcomes), verdicts)
    assert {name: figures[name] for name in ("requests", "ok", "lost", "wrong_answer")} == {
        "requests": 5,
        "ok": 2,
        "lost": 1,
        "wrong_answer": 1,
    }
    assert (figures["server_errors"], figures["unexpected"]) == (1, 0)
    assert (figures["p50_ms"], figures["p99_ms"]) == (20.0, 29.8)
    assert figures["requests_per_second"] == 2.5
    assert figures["statuses"] == {"200": 3, "400": 1, "none": 1}
    assert figures["by_kind"]["good"]["as_expected"] == 1
    assert figures["same_answer_share"] == 1.0
    assert len(problems) == 3
    assert [row[:3] for row in rows] == [("good", 3, 1), ("bad", 1, 0), ("gone", 1, 1)]


@pytest.mark.parametrize(("end", "growth"), [(104, 0.04), (106, 0.06), (90, -0.1)])
def test_growth_is_the_end_over_the_start(end, growth):
    run = ran([Outcome(400, 1.0)], 100, end)
    figures = make_report([BAD], run, [Verdict(Fate.OK)]).figures
    assert figures["memory_growth"] == pytest.approx(growth)
    assert passed(figures, 0.05) == (growth < 0.05)
    assert passed(figures, None)


def test_without_a_process_no_growth_is_claimed():
    run = LoadRun([Outcome(400, 1.0)], 1.0, None, None, 0)
    figures = make_report([BAD], run, [Verdict(Fate.OK)]).figures
    assert figures["memory_growth"] is None
    assert "memory_start_bytes" not in figures
    assert passed(figures, 0.05)
