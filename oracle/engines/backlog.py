"""Blocks of rows that wait for a worker, and what becomes of one that costs workers."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

MOST_DEATHS = 3


class Block(NamedTuple):
    """Rows that are run together.

    Attributes:
        rows: of the dataset.
        deaths: workers that died while they ran them.
    """

    rows: list[int]
    deaths: int = 0


class Backlog:
    """Blocks in order, those that came back first.

    A block that has cost two workers is run sample by sample, and a sample that costs the third is
    given up, so that one that kills whatever runs it costs itself alone.

    Args:
        fresh: blocks, asked for when nothing else waits.

    Example:
        >>> backlog = Backlog(iter([[4, 5]]))
        >>> backlog.blame(backlog.take()), backlog.blame(backlog.take())
        ([], [])
        >>> backlog.blame(backlog.take()), backlog.take(), backlog.take()
        ([4], Block(rows=[5], deaths=2), None)
    """

    def __init__(self, fresh: Iterator[list[int]]) -> None:
        self._fresh = fresh
        self._back: deque[Block] = deque()

    def __bool__(self) -> bool:
        if not self._back and (rows := next(self._fresh, None)) is not None:
            self._back.append(Block(rows))
        return bool(self._back)

    def take(self) -> Block | None:
        """Return the next block, or None if there is none for the time being."""
        return self._back.popleft() if self else None

    def give_back(self, block: Block) -> None:
        """Have a block run again that is not to blame."""
        self._back.appendleft(block)

    def blame(self, block: Block) -> list[int]:
        """Have a block run again that cost a worker; return the rows that are given up."""
        deaths = block.deaths + 1
        if len(block.rows) == 1:
            if deaths >= MOST_DEATHS:
                return block.rows
            self.give_back(Block(block.rows, deaths))
        elif deaths < MOST_DEATHS - 1:
            self.give_back(Block(block.rows, deaths))
        else:
            for row in reversed(block.rows):
                self.give_back(Block([row], deaths))
        return []
