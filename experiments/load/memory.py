"""How much memory a server's process holds."""

import asyncio
from typing import NamedTuple

import psutil


class Memory(NamedTuple):
    """Bytes of a process and its children.

    Attributes:
        rss: resident in memory, shared pages included.
        uss: of this process alone, which would be free if it ended.
    """

    rss: int
    uss: int


def read_memory(pid: int) -> Memory:
    """Return what a process and its children hold now.

    Raises:
        ValueError: if there is no such process.
    """
    try:
        root = psutil.Process(pid)
        found = [each.memory_full_info() for each in (root, *root.children(recursive=True))]
    except psutil.Error as problem:
        raise ValueError(f"the memory of process {pid} cannot be read: {problem}") from None
    return Memory(sum(each.rss for each in found), sum(each.uss for each in found))


class PeakWatch:
    """Keeps the largest resident size seen while it runs.

    Args:
        pid: the process, ``None`` to watch nothing.
        every: seconds between two looks.
    """

    def __init__(self, pid: int | None, every: float = 0.25) -> None:
        self.peak = 0
        self._pid = pid
        self._every = every

    async def run(self) -> None:
        """Look until cancelled, or until the process has gone."""
        while self._pid is not None and psutil.pid_exists(self._pid):
            self.peak = max(self.peak, psutil.Process(self._pid).memory_info().rss)
            await asyncio.sleep(self._every)
