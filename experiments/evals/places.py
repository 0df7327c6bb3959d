"""Which answer is meant: task, document, repeat and round."""

from collections import Counter
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Which answer it is.

    Attributes:
        task: name of the task.
        doc_id: of the document in the task.
        repeat: how often the same was asked before.
        round: of a conversation that goes on, from 0.
    """

    task: str
    doc_id: Any
    repeat: int = 0
    round: int = 0

    @property
    def name(self) -> str:
        """How the answer is called in errors, and what its draws are named after.

        Example:
            >>> Place("pope", 3).name, Place("pope", 3, repeat=1).name
            ('task pope, document 3', 'task pope, document 3, repeat 1')
        """
        more = (("repeat", self.repeat), ("round", self.round))
        told = "".join(f", {what} {number}" for what, number in more if number)
        return f"task {self.task}, document {self.doc_id}{told}"


class Places:
    """Gives places to requests, and counts those that are asked again."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[Any, ...]] = Counter()

    def next(self, task: str, doc_id: Any, *what: Any) -> Place:
        """Return the place of one more request.

        Args:
            task: name of the task.
            doc_id: of the document.
            what: tells several requests about one document apart.
        """
        key = (task, doc_id, *what)
        self._asked[key] += 1
        return Place(task, doc_id, self._asked[key] - 1)
