"""The command ``budget oracle ingest``: logs of other tools become curves.

    budget oracle ingest 9=run9.jsonl 36=run36.jsonl 144=run144.jsonl --out curves.parquet

Prints one line a scale, and why samples were left out; accuracies are mean scores in %. Ends with
one line of JSON.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from budget.console import one_line_errors, print_json_line, print_table, quiet_libraries, say
from budget.data_choice import DataChoice, takes_data_choice
from budget.errors import DataError

if TYPE_CHECKING:
    from oracle.curves import Curves
    from oracle.ingest import Reference
    from oracle.joining import Joined, Unjoined
    from oracle.logs.rows import Log


@one_line_errors()
@takes_data_choice()
def ingest(
    choice: DataChoice,
    logs: Annotated[
        list[str],
        typer.Argument(
            help="SCALE=PATH for every scale, in visual tokens; PATH alone where the log says its "
            "scale. A path is a file, or a folder with one file a task.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Parquet file to write.", show_default=False)],
    format: Annotated[
        str | None,
        typer.Option(
            help="lmms-eval, lm-eval, vlmevalkit, llava, mmr or datasets; default: found in the "
            "content."
        ),
    ] = None,
    scorer: Annotated[
        str | None,
        typer.Option(help="Score the answers anew, as in 'oracle run'; default: the log's score."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Dataset: id, answers, and group, question and options if there."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split, where the data has several.")] = "test",
    metric: Annotated[
        str | None, typer.Option(help="Which metric or column is the score, where several differ.")
    ] = None,
    filter: Annotated[
        str | None, typer.Option(help="Which filter of lm-eval, where there are several.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Field of the log that says a sample's group.")
    ] = None,
    max_score: Annotated[
        float, typer.Option(help="What a right answer scores in the log.", min=1e-9)
    ] = 1.0,
    options: Annotated[
        str | None,
        typer.Option(help="Scales of an MMR-Bench table's options: small=36,large=576."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Name of the model; default: the log's.")
    ] = None,
    cut_answers: Annotated[
        int | None, typer.Option(help="Keep so many characters of every answer.", min=1)
    ] = None,
    unjoined: Annotated[
        Path | None, typer.Option(help="CSV file that lists every sample left out, and why.")
    ] = None,
    require_all: Annotated[
        bool, typer.Option("--require-all", help="Refuse logs with a sample that does not join.")
    ] = False,
) -> None:
    """Join LOGS, one for each scale, into curves: one row a sample and rung.

    Samples join by what identifies them in their format (doc_id, index, question_id; TASK/doc_id
    in a folder of several tasks), if every log has them once and agrees on question and right
    answer. What logs do not tell (FLOPs, seconds, confidence) stays unknown.
    """
    quiet_libraries()
    from oracle.curves import write_curves
    from oracle.ingest import curves_of, open_logs
    from oracle.logs.rows import Choices

    _refuse_foreign(out)
    choices = Choices(metric, filter, group, max_score, _scales(options))
    found, opened = open_logs(logs, format, choices)
    joined = _join(opened, scorer, cut_answers, _references(data, split, choice))
    if unjoined is not None:
        write_unjoined(unjoined, joined.unjoined)
    _print_unjoined(joined)
    if require_all and joined.unjoined:
        raise DataError(f"{_left_out(joined)} samples do not join; nothing was written")
    curves = curves_of(joined, [log.scale or 0 for log in opened])
    about = _about(found, opened, scorer, model)
    write_curves(out, curves, about)
    _print_logs(opened, curves)
    print_json_line(
        {
            "out": out,
            "format": found,
            "model": about["model"],
            "scorer": about["scorer"],
            "n": len(curves),
            "scales": list(curves.scales),
            "accuracy": [round(mean, 4) for mean in curves.scores.mean(axis=0).tolist()],
            "left_out": _left_out(joined),
            "reasons": _counts(joined),
        }
    )


def _join(
    logs: Sequence["Log"],
    scorer: str | None,
    cut: int | None,
    known: "Mapping[str, Reference] | None",
) -> "Joined":
    from oracle.ingest import (
        refuse_unscored,
        scored,
        shortened,
        with_data,
        with_full_answers,
    )
    from oracle.joining import join, told_apart
    from oracle.scoring import agreement, get_scorer

    named = told_apart(logs)
    if known is not None:
        named = [with_data(log, known) for log in named]
    if scorer is not None:
        if get_scorer(scorer) is agreement:
            named = with_full_answers(named)
        named = [scored(log, scorer) for log in named]
    refuse_unscored(named)
    return join(named if cut is None else [shortened(log, cut) for log in named])


def _references(
    data: str | None, split: str, choice: DataChoice
) -> "Mapping[str, Reference] | None":
    from oracle.data import load_dataset_columns
    from oracle.ingest import references

    if data is None:
        return None
    return references(load_dataset_columns(data, split, ("id", "answers"), choice=choice, say=say))


def _scales(options: str | None) -> dict[str, int] | None:
    """Return the scale of each option in ``a=9,b=36``."""
    if options is None:
        return None
    pairs = [pair.rpartition("=") for pair in options.split(",")]
    for name, _, tokens in pairs:
        if not name or not tokens.isdecimal() or not int(tokens):
            raise DataError(f"--options must be NAME=TOKENS,NAME=TOKENS, got {options!r}")
    return {name: int(tokens) for name, _, tokens in pairs}


def _refuse_foreign(out: Path) -> None:
    """Refuse to replace a file that no ingest wrote: a sweep's curves may have taken days."""
    from oracle.curves import read_metadata

    if out.exists() and "logs" not in read_metadata(out):
        raise DataError(f"{out} is there and was not written by ingest; give another file")


def _about(
    found: str, logs: Sequence["Log"], scorer: str | None, model: str | None
) -> dict[str, Any]:
    models = {log.model for log in logs}
    named = models.pop() if len(models) == 1 else ""
    return {
        "model": model or named or "unknown",
        "scorer": scorer or f"{found}: {logs[0].metric}",
        "source": found,
        "logs": {str(log.scale): str(log.path) for log in logs},
    }


def write_unjoined(path: Path, unjoined: Sequence["Unjoined"]) -> None:
    """Write one line for each trouble of each sample that is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "reason", "scale", "file", "line", "detail"))
        for e in unjoined:
            writer.writerow((e.sample_id, e.reason, e.scale, e.path, e.line or "", e.detail))


def _print_unjoined(joined: "Joined") -> None:
    from oracle.joining import reasons

    if not joined.unjoined:
        return
    rows = []
    for reason, entries in reasons(joined.unjoined).items():
        e = entries[0]
        where = f"{e.path}:{e.line}" if e.line else str(e.path)
        rows.append((reason, len(entries), e.sample_id, e.scale, where))
    title = f"{_left_out(joined)} samples do not join, by their first trouble"
    print_table(("reason", "samples", "for example", "at scale", "in"), rows, title)


def _print_logs(logs: Sequence["Log"], curves: "Curves") -> None:
    rows = [
        (log.scale, log.path, len(log.rows), len(curves), f"{100 * mean:.1f}")
        for log, mean in zip(logs, curves.scores.mean(axis=0), strict=True)
    ]
    print_table(("scale", "log", "rows", "joined", "accuracy in %"), rows)


def _left_out(joined: "Joined") -> int:
    return len({entry.sample_id for entry in joined.unjoined})


def _counts(joined: "Joined") -> dict[str, int]:
    from oracle.joining import reasons

    return {reason: len(entries) for reason, entries in reasons(joined.unjoined).items()}
