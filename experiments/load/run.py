"""Runs the requests: so many clients at once, each taking the next request when it is done."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import httpx2

from budget.console import Update
from experiments.load.call import Call, Manner, Outcome
from experiments.load.memory import Memory, PeakWatch, read_memory
from experiments.load.patience import send_patiently
from experiments.load.plain_client import send_plain
from experiments.load.rude_client import send_rudely

# The first requests fill caches and pools; memory is compared from there on.
WARM_UP = 0.2
# Seconds without requests before memory is read, so that nothing in flight is counted.
REST = 1.0
PATIENCE = 120.0


class LoadRun(NamedTuple):
    """What a run left.

    Attributes:
        outcomes: one per request, in the order of the requests.
        seconds: wall time of all requests, without the rests.
        memory_start: after the warm-up, at rest; ``None`` without a process to look at.
        memory_end: after the last request, at rest.
        memory_peak: largest resident size seen, in bytes.
    """

    outcomes: list[Outcome]
    seconds: float
    memory_start: Memory | None
    memory_end: Memory | None
    memory_peak: int


async def run_load(
    url: str,
    calls: Sequence[Call],
    *,
    clients: int = 32,
    pid: int | None = None,
    key: str | None = None,
    rest: float = REST,
    patience: float = PATIENCE,
    progress: Update | None = None,
) -> LoadRun:
    """Send all requests.

    Args:
        url: the server, as ``http://host:port``.
        calls: the requests.
        clients: requests that are under way at once.
        pid: process whose memory is read, ``None`` to read none.
        key: the API key, where the server wants one.
        rest: seconds of rest before memory is read.
        patience: seconds after which an answer counts as lost.
        progress: called with (done, total).
    """
    outcomes: dict[int, Outcome] = {}
    limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
    watch = PeakWatch(pid)
    watching = asyncio.ensure_future(watch.run())
    memories: list[Memory | None] = []
    seconds = 0.0
    warm = round(len(calls) * WARM_UP)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=patience) as http:

        async def send_once(call: Call) -> Outcome:
            if call.manner in (Manner.PLAIN, Manner.STREAM):
                return await send_plain(http, call, key)
            return await send_rudely(url, call, key=key, patience=patience)

        async def send(i: int) -> None:
            outcomes[i] = await send_patiently(calls[i], send_once)
            if progress is not None:
                progress(len(outcomes), len(calls))

        for part in (range(warm), range(warm, len(calls))):
            start = time.perf_counter()
            await _share_out(part, clients, send)
            seconds += time.perf_counter() - start
            await asyncio.sleep(rest)
            memories.append(None if pid is None else read_memory(pid))
    watching.cancel()
    found = [outcomes[i] for i in range(len(calls))]
    # The watcher looks now and then; what was seen at rest counts too.
    peak = max([watch.peak, *(memory.rss for memory in memories if memory is not None)])
    return LoadRun(found, seconds, memories[0], memories[1], peak)


async def _share_out(part: range, clients: int, send: Callable[[int], Awaitable[None]]) -> None:
    """Let so many clients work through a part, in its order."""
    waiting = iter(part)

    async def work() -> None:
        for i in waiting:
            await send(i)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(work())
