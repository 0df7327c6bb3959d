"""What became of each request: right, lost, wrong, or answered otherwise than it must be."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from experiments.load.call import Call, Outcome
from experiments.load.references import References
from experiments.load.said import Said, read_answer, read_error


class Fate(Enum):
    """What can become of a request."""

    OK = "as it must be"
    LOST = "no answer, though the client stayed"
    WRONG = "not the answer to its question"
    SERVER_ERROR = "a status of 500 or more"
    UNEXPECTED = "another status or form than it must have"


class Verdict(NamedTuple):
    """One request's fate.

    Attributes:
        fate: what became of it.
        why: in words, empty if all is right.
        said: the answer, where one was owed and came.
    """

    fate: Fate
    why: str = ""
    said: Said | None = None


def judge_all(
    calls: Sequence[Call], outcomes: Sequence[Outcome], references: References
) -> list[Verdict]:
    """Return the verdict on every request; answers are compared with those of the model itself."""
    verdicts = [judge_form(*each) for each in zip(calls, outcomes, strict=True)]
    owed = [
        (call.asked, verdict.said)
        for call, verdict in zip(calls, verdicts, strict=True)
        if call.asked is not None and verdict.said is not None
    ]
    references.prepare(owed)
    return [
        _judge_answer(call, verdict, references)
        for call, verdict in zip(calls, verdicts, strict=True)
    ]


def judge_form(call: Call, outcome: Outcome) -> Verdict:
    """Judge all but whether an answer is the right one."""
    if outcome.status >= 500:
        return Verdict(Fate.SERVER_ERROR, f"status {outcome.status}: {outcome.body[:200]!r}")
    if outcome.status == 0 and not call.manner.leaves:
        return Verdict(Fate.LOST, outcome.problem or "the connection closed without an answer")
    if outcome.problem:
        lost = outcome.status == 200
        return Verdict(Fate.LOST if lost else Fate.UNEXPECTED, outcome.problem)
    if outcome.status not in call.expected:
        legal = ", ".join(map(str, sorted(call.expected)))
        why = f"status {outcome.status}, must be {legal}: {outcome.body[:200]!r}"
        return Verdict(Fate.UNEXPECTED, why)
    try:
        if outcome.status >= 400:
            read_error(outcome.body)
        said = read_answer(outcome) if call.asked is not None else None
    except ValueError as problem:
        return Verdict(Fate.UNEXPECTED, str(problem))
    return Verdict(Fate.OK, said=said)


def _judge_answer(call: Call, verdict: Verdict, references: References) -> Verdict:
    if call.asked is None or verdict.said is None:
        return verdict
    why = references.judge(call.asked, verdict.said)
    return verdict._replace(fate=Fate.WRONG, why=why) if why else verdict
