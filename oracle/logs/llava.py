"""Answers files of LLaVA, and of M3 and MQT, which took its scripts: one JSON line an answer.

They hold neither scores nor the scale. A sample is identified by ``question_id``, and by
``round_id`` where an answer has one (MMBench). LLaVA's TextVQA files give all questions about an
image the same ``question_id``, the image's; there the question tells them apart, as in LLaVA's own
evaluation (``llava/eval/eval_textvqa.py``).
"""

from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.lines import json_lines
from oracle.logs.rows import Choices, Log, LogRow, place
from oracle.logs.values import field_of, text_of

_NEEDED = ("question_id", "text")


def read_llava(path: Path, choices: Choices) -> list[Log]:
    """Return the one log in a file.

    Raises:
        DataError: if a line is no answer, or a metric is asked for: there are none.
    """
    if choices.metric is not None:
        raise DataError(f"{path} has no metric {choices.metric!r}: answers of LLaVA have no scores")
    records = list(json_lines(path))
    rows = [_row(path, line, record, choices) for line, record in records]
    models = {text_of(record.get("model_id")) for _, record in records}
    return [
        Log(
            path,
            rows,
            model=models.pop() if len(models) == 1 else "",
            unscored="answers of LLaVA have none",
        )
    ]


def _row(path: Path, line: int, record: dict[str, Any], choices: Choices) -> LogRow:
    where = place(path, line)
    if missing := [name for name in _NEEDED if name not in record]:
        raise DataError(f"{where}: no answer of LLaVA, it lacks {', '.join(missing)}")
    key, prompt = text_of(record["question_id"]), text_of(record.get("prompt"))
    if "round_id" in record:
        key = f"{key}/{text_of(record['round_id'])}"
    return LogRow(
        line=line,
        key=key,
        finer_key=f"{key}/{question_of(prompt)}",
        answer=text_of(record["text"]),
        question=prompt,
        group=field_of(record, choices.group, where) if choices.group else "",
    )


def question_of(prompt: str) -> str:
    r"""Return the question in a prompt: its first line that lists no OCR tokens.

    Example:
        >>> question_of("Reference OCR token: 4, b\nWhich number?\nAnswer with one word.")
        'Which number?'
    """
    lines = [line.strip() for line in prompt.split("\n")]
    return next((line for line in lines if line and not line.startswith("Reference OCR token")), "")
