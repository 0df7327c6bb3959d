"""A bound on the memory of decoded images that requests hold at once."""

import asyncio

from budget.serving.tickets import Ticket


class ImageRoom:
    """Bytes of decoded images, counted from decoding to the end of their request.

    Requests wait until less than ``max_bytes`` are held before their images are decoded; how large
    these are is known only then, so that what is held can exceed the bound by what is decoded at
    the same time.

    Args:
        max_bytes: bytes of pixels above which nothing more is decoded.
        at_once: requests whose images are decoded at the same time.
    """

    def __init__(self, max_bytes: int, at_once: int) -> None:
        self.max_bytes = max_bytes
        self.held = 0
        self.decoding = asyncio.Semaphore(at_once)
        self._freed = asyncio.Event()

    async def wait(self) -> None:
        """Wait until there is room."""
        while self.held >= self.max_bytes:
            self._freed.clear()
            await self._freed.wait()

    def hold(self, size: int, ticket: Ticket) -> None:
        """Count so many bytes until the request leaves."""
        self.held += size
        ticket.at_end(lambda: self._free(size))

    def _free(self, size: int) -> None:
        self.held -= size
        self._freed.set()
