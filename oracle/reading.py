"""A batch of samples from which the rows that cannot be read are left out, and named."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from budget.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

    from oracle.question_table import QuestionTable


class Readable(NamedTuple):
    """What could be read of some rows.

    Attributes:
        batch: the columns of the rows that could be read; no columns if none could.
        rows: their numbers in the table.
        problems: what is wrong, by the number of each row that could not.
    """

    batch: dict[str, list[Any]]
    rows: list[int]
    problems: dict[int, str]


def read_batch(dataset: "QuestionTable | Dataset", rows: Sequence[int]) -> Readable:
    """Read rows together and, if one of them is bad, one by one."""
    try:
        return Readable(dict(dataset[list(rows)]), list(rows), {})
    except DataError:
        pass
    batch: dict[str, list[Any]] = {}
    good: list[int] = []
    problems: dict[int, str] = {}
    for row in rows:
        try:
            for name, value in dataset[row].items():
                batch.setdefault(name, []).append(value)
            good.append(row)
        except DataError as problem:
            problems[row] = str(problem)
    return Readable(batch, good, problems)
