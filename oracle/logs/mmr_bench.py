"""Tables of MMR-Bench's layout: one row a sample, and a right/wrong and a cost for each option.

Columns are ``dataset_idx`` (here also ``id``, ``sample_id`` or ``index``), maybe ``question`` and
``answer``, and for each option ``<option>_correct``, ``<option>_cost`` and maybe
``<option>_prediction``. An option becomes a scale: by what the user says, by a name such as
``m36``, or by its cost where that is a whole number of tokens, the same for all samples.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from budget.errors import DataError
from oracle.logs.rows import Choices, Log, LogRow, place
from oracle.logs.tables import Row, read_table
from oracle.logs.values import field_of, references_of, score_of, share_of, text_of

ID_COLUMNS = ("dataset_idx", "id", "sample_id", "index")
# What MMR-Bench's own tables say where a model answered nothing.
_EMPTY = "[EMPTY_RESPONSE]"
_CORRECT = "_correct"


def read_mmr_bench(path: Path, kind: str, choices: Choices) -> list[Log]:
    """Return one log an option.

    Raises:
        DataError: if it is no such table, a score is none, or the options have no scales.
    """
    table = read_table(path, kind)
    columns = table[0][1]
    if choices.metric is not None:
        raise DataError(f"{path} has no metric {choices.metric!r}: its options have one score each")
    options = [name.removesuffix(_CORRECT) for name in columns if name.endswith(_CORRECT)]
    identity = next((name for name in ID_COLUMNS if name in columns), None)
    if not options or identity is None:
        wanted = "<option>_correct" if not options else f"one of {', '.join(ID_COLUMNS)}"
        raise DataError(
            f"{path} is no table of MMR-Bench: it lacks {wanted}; it has {', '.join(columns)}"
        )
    scales = _scales(path, table, options, choices.options)
    return [
        Log(
            path,
            [_row(path, line, record, identity, option, choices) for line, record in table],
            scale=scale,
            metric="correct",
            task=option,
        )
        for option, scale in scales.items()
    ]


def _row(
    path: Path, line: int, record: dict[str, Any], identity: str, option: str, choices: Choices
) -> LogRow:
    where, key = place(path, line), text_of(record[identity])
    score = score_of(record[option + _CORRECT])
    if score is None:
        got = text_of(record[option + _CORRECT])
        raise DataError(f"{where}: {option}{_CORRECT} must be a number, got {got!r}")
    answer = text_of(record.get(f"{option}_prediction"))
    group = choices.group or ("group" if "group" in record else "")
    return LogRow(
        line=line,
        key=key,
        answer="" if answer == _EMPTY else answer,
        score=share_of(score, choices.max_score, where),
        references=references_of(record.get("answer")),
        question=text_of(record.get("question")),
        group=field_of(record, group, where) if group else _dataset_of(key),
        num_visual_tokens=_tokens(record, option),
    )


def _scales(
    path: Path, table: list[Row], options: list[str], given: Mapping[str, int] | None
) -> dict[str, int]:
    if given is not None:
        if unknown := [name for name in given if name not in options]:
            raise DataError(f"{path} has no option {unknown[0]!r}; it has {', '.join(options)}")
        return dict(given)
    named = {name: re.fullmatch(r"m?(\d+)", name) for name in options}
    if all(named.values()):
        return {name: int(match[1]) for name, match in named.items() if match}
    costs = {name: {text_of(record.get(f"{name}_cost")) for _, record in table} for name in options}
    numbers = {name: _whole(cost) for name, cost in costs.items()}
    if all(numbers.values()) and len(set(numbers.values())) == len(options):
        return {name: number for name, number in numbers.items() if number}
    raise DataError(
        f"{path}: the costs of {', '.join(options)} are no numbers of tokens; say each option's "
        f"scale with --options {','.join(f'{name}=TOKENS' for name in options)}"
    )


def _whole(costs: set[str]) -> int:
    """Return the one whole cost of an option; 0 if costs vary, are missing or are fractions."""
    number = score_of(next(iter(costs))) if len(costs) == 1 else None
    return int(number) if number is not None and number >= 1 and number == int(number) else 0


def _tokens(record: Mapping[str, Any], option: str) -> int:
    """Return the tokens an option of a name such as ``m36`` really took, which is its cost."""
    number = score_of(record.get(f"{option}_cost")) if re.fullmatch(r"m?\d+", option) else None
    return int(number) if number is not None and number >= 1 and number == int(number) else 0


def _dataset_of(key: str) -> str:
    """Return the dataset in an index such as ``OCRBench_17``; "" if there is none."""
    match = re.fullmatch(r"(.+)_\d+", key)
    return match[1] if match else ""
