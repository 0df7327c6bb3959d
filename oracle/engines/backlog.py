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

    A block that has cost a worker is run with nothing before or behind it in the same worker, whose
    last words may have been lost. One that has cost two is run sample by sample, and a sample that
    costs the third is given up, so that one that kills whatever runs it costs itself alone.

    Args:
        fresh: blocks, asked for when nothing else waits.

    Example:
        >>> backlog = Backlog(iter([[4, 5]]))
        >>> [backlog.blame(backlog.take(alone=True)) for _ in range(3)]
        [[], [], [4]]
        >>> backlog.take(alone=False), backlog.take(alone=True)
        (None, Block(rows=[5], deaths=2))
    """

    def __init__(self, fresh: Iterator[list[int]]) -> None:
        self._fresh = fresh
        self._back: deque[Block] = deque()

    def __bool__(self) -> bool:
        if not self._back and (rows := next(self._fresh, None)) is not None:
            self._back.append(Block(rows))
        return bool(self._back)

    def take(self, *, alone: bool) -> Block | None:
        """Return the next block, or None if there is none for a worker as it is.

        Args:
            alone: whether the worker has nothing else.
        """
        if not self or (self._back[0].deaths and not alone):
            return None
        return self._back.popleft()

    def blame(self, block: Block) -> list[int]:
        """Have a block run again whose worker died; return the rows that are given up."""
        deaths = block.deaths + 1
        if deaths >= MOST_DEATHS:
            return block.rows
        pieces = [block.rows] if deaths == 1 else [[row] for row in block.rows]
        self._back.extendleft(Block(rows, deaths) for rows in reversed(pieces))
        return []
