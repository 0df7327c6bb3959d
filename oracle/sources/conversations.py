"""LLaVA's conversations: every question of a person, with the answer that follows, is a row."""

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from budget.errors import DataError
from oracle.sources.rows import Rows

_CONVERSATIONS = "conversations"
_MADE = ("question", "answer")
_TAG = "<image>"


class _Turn(NamedTuple):
    question: str
    answer: str


def is_conversations(rows: Rows) -> bool:
    """Return whether rows are conversations: lists of who said what."""
    if _CONVERSATIONS not in rows.column_names:
        return False
    return isinstance(rows.read([0], [_CONVERSATIONS])[_CONVERSATIONS][0], list)


class ConversationRows:
    """One row for every question and answer in conversations.

    The columns ``question`` and ``answer`` take the place of ``conversations``; where a
    conversation has several, ``id`` is ``<id>/<number from 1>``. The tag ``<image>`` is dropped,
    and no row knows what was said before it.

    Args:
        rows: with a column ``conversations``.

    Raises:
        DataError: if a conversation cannot be read.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.folder = rows.folder
        kept = [name for name in rows.column_names if name not in (_CONVERSATIONS, *_MADE)]
        self.column_names = [*kept, *_MADE]
        self.records, self.turns = array("Q"), array("L")
        longest = 0
        for record in range(len(rows)):
            count = len(self._turns_of(record))
            self.records.extend([record] * count)
            self.turns.extend(range(count))
            longest = max(longest, count)
        if not self.records:
            raise DataError("no conversation holds a question and an answer")
        alone = "every turn of a conversation is asked on its own"
        self.remarks: tuple[str, ...] = (alone,) * (longest > 1)

    def __len__(self) -> int:
        return len(self.records)

    def read(self, numbers: Sequence[int], columns: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of some columns in some rows."""
        records = [self.records[n] for n in numbers]
        found = self.rows.read(records, [name for name in columns if name not in _MADE])
        if "id" in found:
            found["id"] = [
                self._name(value, n) for value, n in zip(found["id"], numbers, strict=True)
            ]
        for name in set(columns) & set(_MADE):
            found[name] = [
                getattr(self._turns_of(record)[self.turns[n]], name)
                for record, n in zip(records, numbers, strict=True)
            ]
        return found

    def _name(self, value: Any, number: int) -> Any:
        record, turn = self.records[number], self.turns[number]
        following = self.records[number + 1] if number + 1 < len(self.records) else None
        if value is None or (turn == 0 and following != record):
            return value
        return f"{value}/{turn + 1}"

    def _turns_of(self, record: int) -> list[_Turn]:
        said = self.rows.read([record], [_CONVERSATIONS])[_CONVERSATIONS][0] or []
        try:
            people = [(str(one["from"]), str(one["value"])) for one in said]
        except (TypeError, KeyError) as problem:
            raise DataError(
                f"row {record}: a conversation must be a list of 'from' and 'value'"
            ) from problem
        return [
            _Turn(question.replace(_TAG, "").strip(), answer.strip())
            for (asker, question), (other, answer) in pairwise(people)
            if asker in ("human", "user") and other in ("gpt", "assistant")
        ]
