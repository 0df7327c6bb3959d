"""The figures of a load run: counts, latencies, memory, by kind and in all."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.load.call import Call, Manner, Outcome
from experiments.load.references import same_answers
from experiments.load.run import LoadRun
from experiments.load.verdict import Fate, Verdict


class Report(NamedTuple):
    """What is told of a run.

    Attributes:
        figures: as JSON has them.
        rows: of the table by kind.
        problems: one line per request that did not go as it must.
    """

    figures: dict[str, Any]
    rows: list[tuple[object, ...]]
    problems: list[str]


COLUMNS = ("kind", "sent", "as expected", "statuses", "p50 ms", "p99 ms")


def make_report(calls: Sequence[Call], run: LoadRun, verdicts: Sequence[Verdict]) -> Report:
    """Return a run's figures."""
    fates = Counter(verdict.fate for verdict in verdicts)
    kinds = {
        kind: _of_kind([i for i, call in enumerate(calls) if call.kind == kind], run, verdicts)
        for kind in _kinds(calls)
    }
    figures = {
        "requests": len(calls),
        "ok": fates[Fate.OK],
        "lost": fates[Fate.LOST],
        "wrong_answer": fates[Fate.WRONG],
        "server_errors": fates[Fate.SERVER_ERROR],
        "unexpected": fates[Fate.UNEXPECTED],
        **_latency(_timed(calls, run.outcomes)),
        "memory_growth": _growth(run),
        "requests_per_second": round(len(calls) / run.seconds, 2),
        "seconds": round(run.seconds, 2),
        **_memory(run),
        "answers_checked": sum(verdict.said is not None for verdict in verdicts),
        "same_answer_share": round(same_answers(_texts(verdicts)), 4),
        "indistinct_share": round(same_answers(_marks(verdicts)), 4),
        "waits_for_full_queue": sum(outcome.waits for outcome in run.outcomes),
        "statuses": _statuses(run.outcomes),
        "by_kind": kinds,
    }
    problems = [
        f"{call.kind}: {verdict.fate.value}: {verdict.why}"
        for call, verdict in zip(calls, verdicts, strict=True)
        if verdict.fate is not Fate.OK
    ]
    return Report(figures, [_row(kind, found) for kind, found in kinds.items()], problems)


def passed(figures: dict[str, Any], max_growth: float | None) -> bool:
    """Return whether a run shows what it must: all as expected, memory within its bound."""
    growth = figures["memory_growth"]
    grew = max_growth is not None and growth is not None and growth > max_growth
    return figures["ok"] == figures["requests"] and not grew


def _kinds(calls: Sequence[Call]) -> list[str]:
    """Return all kinds, those that are owed an answer first."""
    owed = {call.kind for call in calls if call.asked is not None}
    return sorted({call.kind for call in calls}, key=lambda kind: (kind not in owed, kind))


def _of_kind(indices: list[int], run: LoadRun, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    outcomes = [run.outcomes[i] for i in indices]
    return {
        "sent": len(indices),
        "as_expected": sum(verdicts[i].fate is Fate.OK for i in indices),
        "statuses": _statuses(outcomes),
        **_latency([outcome.ms for outcome in outcomes]),
    }


def _row(kind: str, found: dict[str, Any]) -> tuple[object, ...]:
    statuses = ", ".join(f"{status} x {n}" for status, n in found["statuses"].items())
    times = (f"{found['p50_ms']:.0f}", f"{found['p99_ms']:.0f}")
    return (kind, found["sent"], found["as_expected"], statuses, *times)


def _statuses(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts = Counter(str(outcome.status or "none") for outcome in outcomes)
    return dict(sorted(counts.items()))


def _timed(calls: Sequence[Call], outcomes: Sequence[Outcome]) -> list[float]:
    """Return the milliseconds of answers to clients that neither dawdle nor ask badly."""
    manners = (Manner.PLAIN, Manner.STREAM)
    return [
        outcome.ms
        for call, outcome in zip(calls, outcomes, strict=True)
        if call.asked is not None and call.manner in manners and outcome.status == 200
    ]


def _latency(ms: Sequence[float]) -> dict[str, float | None]:
    if not ms:
        return {"p50_ms": None, "p99_ms": None}
    p50, p99 = np.percentile(ms, [50, 99]).tolist()
    return {"p50_ms": round(p50, 2), "p99_ms": round(p99, 2)}


def _growth(run: LoadRun) -> float | None:
    """Return by how much the resident size grew after the warm-up, as a share of it."""
    if run.memory_start is None or run.memory_end is None:
        return None
    return round(run.memory_end.rss / run.memory_start.rss - 1, 4)


def _memory(run: LoadRun) -> dict[str, int | float | None]:
    start, end = run.memory_start, run.memory_end
    if start is None or end is None:
        return {}
    return {
        "memory_start_bytes": start.rss,
        "memory_end_bytes": end.rss,
        "memory_peak_bytes": run.memory_peak,
        "uss_growth": round(end.uss / start.uss - 1, 4),
    }


def _texts(verdicts: Sequence[Verdict]) -> list[str]:
    return [verdict.said.text for verdict in verdicts if verdict.said is not None]


def _marks(verdicts: Sequence[Verdict]) -> list[tuple[str, int | None]]:
    """Return all that tells one question's answer from another's: text and question's length."""
    return [
        (said.text, said.prompt_tokens and said.prompt_tokens - (said.image_tokens or 0))
        for said in (verdict.said for verdict in verdicts)
        if said is not None
    ]
