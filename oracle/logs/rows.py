"""What every reader of logs gives: one row a sample, at one scale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from budget.errors import DataError

UNKNOWN = float("nan")


class LogRow(NamedTuple):
    """One sample's result at one scale.

    Attributes:
        line: where it stands in its file, from 1.
        key: what identifies the sample in logs of this format.
        finer_key: what identifies it where several samples share ``key``; "" where none can.
        answer: generated text.
        score: in [0, 1]; NaN where the log has none.
        references: right answers; empty where the log has none.
        question: what was asked, to be the same at every scale; "" where it is not logged.
        options: of a multiple-choice question, A first; empty where the log has no fields for them.
        target: what was right, to be the same at every scale; "" where it is not logged.
        group: kind of question; "" where it is not logged.
        num_visual_tokens: visual tokens really used; 0 where they are not logged.
        prompt_tokens: whole prompt, visual tokens included; 0 where they are not logged.
        seconds: wall time of the sample; NaN where it is not logged, like the next four.
        flops: floating point operations of the sample.
        confidence: mean log-probability of the answer's tokens.
        margin: probability of the first token less that of the next best.
        entropy: of the first token's distribution, in nats.
        trouble: why this row cannot be used; "" if it can.
    """

    line: int
    key: str
    finer_key: str = ""
    answer: str = ""
    score: float = UNKNOWN
    references: tuple[str, ...] = ()
    question: str = ""
    options: tuple[str, ...] = ()
    target: str = ""
    group: str = ""
    num_visual_tokens: int = 0
    prompt_tokens: int = 0
    seconds: float = UNKNOWN
    flops: float = UNKNOWN
    confidence: float = UNKNOWN
    margin: float = UNKNOWN
    entropy: float = UNKNOWN
    trouble: str = ""


class Log(NamedTuple):
    """What one file says of one scale.

    Attributes:
        path: the file, or the folder of several tasks' files.
        rows: in the order of the file.
        scale: visual tokens, if the log says so itself.
        model: name of the model; "" where it is not logged.
        metric: name of what ``score`` is; "" where the log has no scores.
        unscored: what the log has in the place of a score, for an error that says so.
        task: name of the task; "" where it is not known.
    """

    path: Path
    rows: list[LogRow]
    scale: int | None = None
    model: str = ""
    metric: str = ""
    unscored: str = ""
    task: str = ""


class Choices(NamedTuple):
    """What a user may choose where a log leaves it open.

    Attributes:
        metric: which of several metrics is the score.
        filter: which of several filters of lm-evaluation-harness.
        group: field that says a sample's group.
        max_score: the score of a right answer.
        options: scale of each option of an MMR-Bench table.
    """

    metric: str | None = None
    filter: str | None = None
    group: str | None = None
    max_score: float = 1.0
    options: Mapping[str, int] | None = None


class NotOffered(DataError):
    """A log has no metric or filter of the name that was chosen; says which of the two."""

    def __init__(self, message: str, what: Literal["metric", "filter"]) -> None:
        super().__init__(message)
        self.what = what


def place(path: Path, line: int) -> str:
    """Return how an error names a line of a file."""
    return f"{path}, line {line}"
