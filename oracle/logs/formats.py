"""The formats of logs: how each is known by its content, and who reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from budget.errors import DataError
from oracle.logs.curves_folder import read_curves_folder
from oracle.logs.llava import read_llava
from oracle.logs.lm_eval import read_lm_eval
from oracle.logs.lmms_eval import read_lmms_eval
from oracle.logs.mmr_bench import read_mmr_bench
from oracle.logs.peek import Peek, look_at
from oracle.logs.rows import Choices, Log, place
from oracle.logs.vlmevalkit import read_vlmevalkit

_TABLES = ("xlsx", "tsv", "json", "csv")


class Format(NamedTuple):
    """One format.

    Attributes:
        title: what a log of it is called.
        fits: whether what a log shows is of this format.
        read: path, kind of file and choices to logs, one a scale.
    """

    title: str
    fits: Callable[[Peek], bool]
    read: Callable[[Path, str, Choices], list[Log]]


def _is_lmms_eval(peek: Peek) -> bool:
    if peek.kind == "json":
        return "logs" in peek.fields
    if not _is_lines_with(peek, "doc_id", "filtered_resps"):
        return False
    return "input" in peek.fields or "arguments" not in peek.fields


def _is_lines_with(peek: Peek, *names: str) -> bool:
    return peek.kind == "jsonl" and set(names) <= set(peek.fields)


FORMATS: dict[str, Format] = {
    "lmms-eval": Format("lmms-eval's logged samples", _is_lmms_eval, read_lmms_eval),
    "lm-eval": Format(
        "lm-evaluation-harness's logged samples",
        lambda peek: (
            _is_lines_with(peek, "doc_id", "filtered_resps", "arguments")
            and "input" not in peek.fields
        ),
        lambda path, _, choices: read_lm_eval(path, choices),
    ),
    "vlmevalkit": Format(
        "a table of VLMEvalKit",
        lambda peek: peek.kind in _TABLES and {"index", "prediction"} <= set(peek.fields),
        read_vlmevalkit,
    ),
    "llava": Format(
        "an answers file of LLaVA",
        lambda peek: _is_lines_with(peek, "question_id", "text"),
        lambda path, _, choices: read_llava(path, choices),
    ),
    "mmr": Format(
        "a table of MMR-Bench",
        lambda peek: peek.kind in _TABLES and any(n.endswith("_correct") for n in peek.fields),
        read_mmr_bench,
    ),
    "datasets": Format(
        "a folder of exported curves",
        lambda peek: peek.kind == "folder" and {"scales", "scores"} <= set(peek.fields),
        lambda path, _, choices: read_curves_folder(path, choices),
    ),
}


def read_log(path: Path, name: str | None, choices: Choices) -> tuple[str, list[Log]]:
    """Return the name of a log's format and what the log holds, one ``Log`` a scale.

    Args:
        path: a file, or a folder of exported curves.
        name: of the format; ``None`` to find it in the content.
        choices: what the user chose.

    Raises:
        DataError: if the log cannot be read, or is of no format or of another than ``name``.
    """
    if name is not None and name not in FORMATS:
        raise DataError(f"unknown format {name!r}; legal are {', '.join(FORMATS)}")
    peek = look_at(path)
    fitting = [known for known, form in FORMATS.items() if form.fits(peek)]
    if name is None and fitting:
        name = fitting[0]
    if name not in fitting or name is None:
        wanted = f"not {FORMATS[name].title}" if name else f"none of {', '.join(FORMATS)}"
        like = f", it looks like {fitting[0]}" if fitting else ""
        where = str(path) if peek.kind == "folder" else place(path, 1)
        raise DataError(f"{where}: {wanted}{like}; it has {', '.join(peek.fields) or 'nothing'}")
    return name, FORMATS[name].read(path, peek.kind, choices)
