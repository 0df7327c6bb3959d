"""An event loop in a thread of its own, for callers that know of none."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what all coroutines give; the first that raises cancels the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Lane:
    """Runs coroutines for other threads; all of them on one loop, as connections need.

    Args:
        farewell: awaited on the loop before it ends.
    """

    def __init__(self, farewell: Callable[[], Awaitable[None]]) -> None:
        self._farewell = farewell
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live, name="remote", daemon=True)
        self._thread.start()
        self._ready.wait()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine gives; a caller that is interrupted cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread; a second call does nothing."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._over.set)
        # A model can be collected on this very thread, which cannot wait for itself.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _live(self) -> None:
        with asyncio.Runner() as runner:  # cancels what is under way, and closes the loop
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._over.wait()
        await self._farewell()
