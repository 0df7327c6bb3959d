"""Samples that lmms-eval logged (``--log_samples``), of today and of the version M3's fork is from.

Today it is one JSON line a sample in ``<date>_samples_<task>.jsonl``; early versions wrote
one JSON object with the samples under ``logs`` and the command line under ``args``. A sample is
identified by task and ``doc_id``: its ``doc_hash`` is the hash of nothing, the same in every row,
because the document is gone by the time it is computed (lmms-eval 0.7.3).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.lines import json_file, json_lines
from oracle.logs.metrics import describe, pick_metric
from oracle.logs.results_file import About, about_log, scale_of
from oracle.logs.rows import Choices, Log, LogRow, place
from oracle.logs.values import field_of, most_likely, references_of, share_of, text_of

Record = tuple[int, dict[str, Any]]

_NO_METRICS = frozenset(
    {
        "arguments",
        "doc",
        "doc_hash",
        "doc_id",
        "filtered_resps",
        "input",
        "input_media",
        "resps",
        "target",
        "token_counts",
    }
)


def read_lmms_eval(path: Path, kind: str, choices: Choices) -> list[Log]:
    """Return the one log in a file.

    Args:
        path: the file.
        kind: "jsonl", or "json" for the early layout.
        choices: what the user chose.

    Raises:
        DataError: if a line is no sample of lmms-eval, or it is not clear what the score is.
    """
    records, about = _early(path) if kind == "json" else (list(json_lines(path)), about_log(path))
    metrics = [
        {name: value for name, value in record.items() if name not in _NO_METRICS}
        for _, record in records
    ]
    picked = pick_metric(metrics, choices.metric, path, about.lower_is_better)
    rows = [
        _row(path, line, record, score, choices)
        for (line, record), score in zip(records, picked.scores, strict=True)
    ]
    return [
        Log(
            path,
            rows,
            scale=about.scale,
            model=about.model,
            metric=picked.name,
            unscored="" if picked.name else describe(metrics),
            task=about.task,
        )
    ]


def _early(path: Path) -> tuple[list[Record], About]:
    """Return the samples of one object, and what the command line in it says."""
    value = json_file(path)
    logs = value.get("logs")
    if not isinstance(logs, list) or not all(isinstance(record, dict) for record in logs):
        raise DataError(f"{path} holds no samples of lmms-eval: it lacks the list 'logs'")
    args = value.get("args")
    args = args if isinstance(args, dict) else {}
    scale = scale_of(args.get("model_args")) or scale_of(args)
    model = str(args.get("model") or "")
    return list(enumerate(logs, start=1)), About(task=path.stem, scale=scale, model=model)


def _row(path: Path, line: int, record: dict[str, Any], score: float, choices: Choices) -> LogRow:
    where = place(path, line)
    if missing := [name for name in ("doc_id", "filtered_resps") if name not in record]:
        raise DataError(f"{where}: no sample of lmms-eval, it lacks {', '.join(missing)}")
    target = record.get("target")
    group = choices.group or next((n for n in ("category", "l2_category") if _has(record, n)), "")
    return LogRow(
        line=line,
        key=text_of(record["doc_id"]),
        answer=_answer(record["filtered_resps"]),
        score=share_of(score, choices.max_score, where),
        references=references_of(target),
        question=_question(record),
        target=text_of(target),
        group=field_of(record, group, where) if group else "",
        prompt_tokens=_prompt_tokens(record.get("token_counts")),
    )


def _answer(responses: Any) -> str:
    """Return the text; of log-likelihoods the number of the choice that is most likely."""
    if isinstance(responses, list) and len(responses) == 1:
        return _answer(responses[0])
    best = most_likely(responses)
    return text_of(responses) if best is None else f"choice {best + 1}"


def _question(record: Mapping[str, Any]) -> str:
    if "input" in record:
        return text_of(record["input"])
    arguments = record.get("arguments")
    return text_of(arguments[0]) if isinstance(arguments, list) and arguments else ""


def _prompt_tokens(counts: Any) -> int:
    """Return the tokens of the prompt; 0 unless there was one request and it was counted."""
    if not isinstance(counts, list) or len(counts) != 1 or not isinstance(counts[0], Mapping):
        return 0
    number = counts[0].get("input_tokens")
    return number if isinstance(number, int) and number > 0 else 0


def _has(record: Mapping[str, Any], name: str) -> bool:
    return any(isinstance(value, Mapping) and name in value for value in record.values())
