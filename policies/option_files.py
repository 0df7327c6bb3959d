"""Files of results of many options on the same samples: RouterBench's layout and MMR-Bench's.

RouterBench (arXiv 2403.12031; huggingface.co/datasets/withmartian/routerbench, written by
github.com/withmartian/routerbench, ``convertors`` and ``utils.py``): one row a sample, 36,497 of
them in ``routerbench_0shot``, with ``sample_id`` ("hellaswag.val.17"), ``prompt`` (a Python list of
turns written as text), ``eval_name`` (86 datasets; MMLU is 57 of them) and
``oracle_model_to_route_to`` (a model, or "no_model_correct", which the released code charges 0.0
for). For each of eleven models such as "mistralai/mistral-7b-chat": ``<model>`` (score, mostly 0
or 1, else quarters or tenths), ``<model>|model_response`` and ``<model>|total_cost`` (dollars:
tokens of prompt and response at the provider's prices, so costs differ by sample, and a cheap
model that talks much costs more than a dear one that does not). A few prompts are there twice.
Files derived from it leave responses out and add columns; both are read.

MMR-Bench (github.com/Hunter-Wrynn/MMR-Bench, ``mmrbench/data/mllm_data.py``): one row a sample with
``question``, mostly ``dataset_idx`` ("OCRBench_17") and ``answer``, and for each option
``<option>_correct`` and ``<option>_cost``. There a missing cell is filled with its column's mean;
here it is refused, as is an option without costs. ``budget oracle export`` writes this layout.

RouterBench's own files are pickles, which can run code when they are read. In an environment that
may do so: ``pandas.read_pickle("routerbench_0shot.pkl").to_parquet("routerbench_0shot.parquet")``.
"""

import ast
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from budget.data_choice import ROW_NUMBERS, DataChoice, flag_of
from budget.errors import DataError
from policies.hull import FloatArray
from policies.option_table import OptionTable
from policies.result_columns import column_names, read_columns

IDS = ("sample_id", "dataset_idx", "id", "index")
PROMPTS = ("prompt", "question")
GROUPS = ("eval_name", "group", "dataset")
_LONGEST_LIST = 1_000_000  # characters of a list that is written as text


class Layout(NamedTuple):
    """Where a table keeps what is known of an option.

    Attributes:
        name: of the layout.
        score: ending of the column of scores; the option's name stands before it.
        cost: ending of the column of costs.
        shows: endings of columns by which an option is found; without the others it is refused.
        by_prompt: whether a sample is known by its prompt alone; else there is an image too, and
            many samples may share a question.
    """

    name: str
    score: str
    cost: str
    shows: tuple[str, ...]
    by_prompt: bool


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("routerbench", "", "|total_cost", ("|total_cost", "|model_response"), True),
        Layout("mmr-bench", "_correct", "_cost", ("_correct",), False),
    )
}


def read_option_table(
    path: str | Path,
    *,
    layout: str | None = None,
    options: Sequence[str] = (),
    choice: DataChoice | None = None,
) -> OptionTable:
    """Read a table of options, cheapest on average first.

    Args:
        path: a CSV, TSV, Parquet, JSON-lines or JSON file.
        layout: a name of ``LAYOUTS``; by default the one that the columns show.
        options: which options, at least two; by default all.
        choice: columns of ids, questions and groups, where their names do not tell.

    Raises:
        DataError: if the file cannot be read or is not such a table; says what is wrong with it.
    """
    path, choice = Path(path), choice or DataChoice()
    columns = column_names(path)
    found = _layout(path, columns, layout)
    named = _options(path, columns, found, options)
    roles = {
        "id": _role(path, columns, "id", IDS, choice.id),
        "question": _role(path, columns, "question", PROMPTS, choice.question),
        "group": _role(path, columns, "group", GROUPS, choice.group, needed=False),
    }
    wanted = [name for name in roles.values() if name and name != ROW_NUMBERS]
    wanted += [name + end for name in named for end in (found.score, found.cost)]
    values = read_columns(path, list(dict.fromkeys(wanted)))
    prompts = _each(_text_of, values[roles["question"]])
    ids = _ids(values, roles["id"], len(prompts))
    return OptionTable(
        sample_ids=ids,
        prompts=prompts,
        groups=_each(_name_of, values[roles["group"]]) if roles["group"] else _each(_dataset, ids),
        options=tuple(named),
        scores=_numbers(path, values, [name + found.score for name in named]),
        costs=_numbers(path, values, [name + found.cost for name in named]),
        keys=prompts if found.by_prompt else ids,
    ).cheapest_first()


def _layout(path: Path, columns: Sequence[str], name: str | None) -> Layout:
    if name is not None and name not in LAYOUTS:
        raise DataError(f"no layout {name!r}; legal are {', '.join(LAYOUTS)}")
    for layout in LAYOUTS.values() if name is None else [LAYOUTS[name]]:
        if any(column.endswith(layout.shows) for column in columns):
            return layout
    listed = ", ".join(columns[:12]) + (", ..." if len(columns) > 12 else "")
    raise DataError(
        f"{path} is no table of options: columns '<option>' and '<option>|total_cost' (RouterBench)"
        f" or '<option>_correct' and '<option>_cost' (MMR-Bench) are needed, there are {listed}"
    )


def _options(
    path: Path, columns: Sequence[str], layout: Layout, wanted: Sequence[str]
) -> list[str]:
    """Return the options of a table, each with a column of scores and one of costs."""
    seen = [
        column.removesuffix(end)
        for column in columns
        for end in layout.shows
        if column.endswith(end)
    ]
    options = list(dict.fromkeys(seen))
    if unknown := [name for name in wanted if name not in options]:
        raise DataError(f"{path} has no option {unknown[0]!r}; it has {', '.join(options)}")
    for name in wanted or options:
        for what, end in (("scores", layout.score), ("costs", layout.cost)):
            if name + end not in columns:
                raise DataError(f"{path}: option {name!r} has no column of {what}, {name + end!r}")
    return list(dict.fromkeys(wanted)) or options


def _role(
    path: Path,
    columns: Sequence[str],
    role: str,
    usual: Sequence[str],
    given: str | None,
    *,
    needed: bool = True,
) -> str:
    """Return the column of a role; no text if there is none and none is needed."""
    if given is not None and given not in columns and (given, role) != (ROW_NUMBERS, "id"):
        raise DataError(f"{path} has no column {given!r}; it has {', '.join(columns[:20])}")
    found = given or next((name for name in usual if name in columns), "")
    if needed and not found:
        raise DataError(
            f"{path} has no column of the {role}s ({' or '.join(usual)}); name it with "
            f"{flag_of(role)}"
        )
    return found


def _ids(values: Mapping[str, list[Any]], column: str, count: int) -> tuple[str, ...]:
    if column == ROW_NUMBERS:
        return tuple(str(row) for row in range(count))
    return _each(_name_of, values[column])


def _numbers(path: Path, values: Mapping[str, list[Any]], columns: Sequence[str]) -> FloatArray:
    table = [
        [_number(path, column, row, value) for row, value in enumerate(values[column], start=1)]
        for column in columns
    ]
    return np.array(table, dtype=np.float64).T


def _number(path: Path, column: str, row: int, value: Any) -> float:
    """Return a cell as a number; what is missing is NaN, which the table refuses by its sample."""
    if value is None or value == "":
        return math.nan
    words = {"true": "1", "false": "0"}
    try:
        text = str(value).strip()
        return float(words.get(text.lower(), text))
    except ValueError:
        raise DataError(
            f"{path}, row {row}: {column!r} must be a number, got {str(value)[:60]!r}"
        ) from None


def _each(make: Callable[[Any], str], values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(make(value) for value in values)


def _name_of(value: Any) -> str:
    return "" if value is None else str(value)


def _dataset(name: str) -> str:
    """Return the dataset in an id such as ``OCRBench_17``, "all" if there is none."""
    match = re.fullmatch(r"(.+)_\d+", name)
    return match[1] if match else "all"


def _text_of(value: Any) -> str:
    r"""Return a prompt as one text, its turns on lines of their own.

    Example:
        >>> _text_of("['Be brief.', 'Who?']"), _text_of(["a", "b"]), _text_of("[1] is")
        ('Be brief.\nWho?', 'a\nb', '[1] is')
    """
    turns = value
    if isinstance(value, str):
        turns = _listed(value) if value[:1] == "[" and value[-1:] == "]" else None
    if isinstance(turns, list) and all(isinstance(turn, str) for turn in turns):
        return "\n".join(turns)
    return _name_of(value)


def _listed(text: str) -> Any:
    if len(text) > _LONGEST_LIST:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None
