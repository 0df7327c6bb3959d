"""Samples that lm-evaluation-harness logged (``--log_samples``).

One JSON line a sample and filter in ``samples_<task>_<date>.jsonl``. A sample is identified by
``doc_id``; that it is the same document is checked on the document itself, where images stand as
hashes of their bytes. Its ``doc_hash`` is of no use for that: a document with an image is hashed
with the image's address in memory, so the hash differs from run to run (lm-eval 0.4.13).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.lines import json_lines
from oracle.logs.metrics import describe, pick_metric
from oracle.logs.results_file import about_log
from oracle.logs.rows import Choices, Log, LogRow, NotOffered, place
from oracle.logs.values import field_of, most_likely, references_of, share_of, text_of

Record = tuple[int, dict[str, Any]]

_NEEDED = ("doc_id", "filtered_resps", "arguments", "target")
_NO_METRICS = frozenset(
    {
        *_NEEDED,
        "doc",
        "doc_hash",
        "filter",
        "metrics",
        "prompt_hash",
        "resps",
        "target_hash",
    }
)


def read_lm_eval(path: Path, choices: Choices) -> list[Log]:
    """Return the one log in a file.

    Raises:
        DataError: if a line is no sample of lm-evaluation-harness, or it is not clear which
            filter or metric counts.
    """
    records = _of_one_filter(list(json_lines(path)), choices.filter, path)
    about = about_log(path)
    metrics = [_metrics(record) for _, record in records]
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


def _of_one_filter(records: list[Record], wanted: str | None, path: Path) -> list[Record]:
    """Return the rows of one filter: a task with two of them logs every sample twice."""
    names = sorted({text_of(record.get("filter", "none")) for _, record in records})
    if wanted is None and len(names) > 1:
        raise DataError(f"{path} has several filters; choose one with --filter: {', '.join(names)}")
    if wanted is not None and wanted not in names:
        legal = ", ".join(names)
        raise NotOffered(f"{path} has no filter {wanted!r}; legal are {legal}", "filter")
    kept = wanted or names[0]
    return [pair for pair in records if text_of(pair[1].get("filter", "none")) == kept]


def _metrics(record: Mapping[str, Any]) -> dict[str, Any]:
    named = record.get("metrics")
    names = named if isinstance(named, list) else [n for n in record if n not in _NO_METRICS]
    return {name: record[name] for name in names if name in record}


def _row(path: Path, line: int, record: dict[str, Any], score: float, choices: Choices) -> LogRow:
    where = place(path, line)
    if missing := [name for name in _NEEDED if name not in record]:
        raise DataError(
            f"{where}: no sample of lm-evaluation-harness, it lacks {', '.join(missing)}"
        )
    target = record["target"]
    return LogRow(
        line=line,
        key=text_of(record["doc_id"]),
        answer=_answer(record["filtered_resps"], record["arguments"]),
        score=share_of(score, choices.max_score, where),
        references=_references(target, record),
        question=f"{_argument(record['arguments'], 0, 0)} {text_of(record.get('doc'))}",
        target=text_of(target),
        group=field_of(record, choices.group, where) if choices.group else "",
    )


def _references(target: Any, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the right answers; of choices the one that the target, an index, stands for."""
    if most_likely(record["filtered_resps"]) is not None and text_of(target).isdecimal():
        return references_of(_argument(record["arguments"], int(target), 1).strip())
    return references_of(target)


def _answer(responses: Any, arguments: Any) -> str:
    """Return the text; of log-likelihoods the continuation that is most likely."""
    best = most_likely(responses)
    if best is not None:
        return _argument(arguments, best, 1).strip()
    if isinstance(responses, list) and len(responses) == 1:
        return text_of(responses[0])
    return text_of(responses)


def _argument(arguments: Any, request: int, number: int) -> str:
    """Return one argument of one request, logged as ``gen_args_<request>.arg_<number>``."""
    asked = arguments.get(f"gen_args_{request}") if isinstance(arguments, Mapping) else None
    return text_of(asked.get(f"arg_{number}")) if isinstance(asked, Mapping) else ""
