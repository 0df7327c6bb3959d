"""What a well-behaved client does when the queue is full: it waits as long as it is told to."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from experiments.load.call import Call, Outcome

MOST_WAITS = 20
LONGEST_WAIT = 10.0  # seconds


async def send_patiently(call: Call, send: Callable[[Call], Awaitable[Outcome]]) -> Outcome:
    """Send a request, again where the server says 429, and take the time of all of it.

    Args:
        call: the request.
        send: sends it once.
    """
    start, waits = time.perf_counter(), 0
    while True:
        outcome = await send(call)
        if outcome.status != 429 or 429 in call.expected or waits == MOST_WAITS:
            break
        if (seconds := retry_after(outcome)) is None:
            outcome = replace(outcome, problem="429 without a Retry-After in seconds")
            break
        waits += 1
        await asyncio.sleep(min(seconds, LONGEST_WAIT))
    return replace(outcome, ms=(time.perf_counter() - start) * 1000, waits=waits)


def retry_after(outcome: Outcome) -> float | None:
    """Return the seconds after which a server wants to be asked again, if it said so.

    Example:
        >>> retry_after(Outcome(429, 0.0, headers=(("retry-after", "2"),)))
        2.0
    """
    value = outcome.header("retry-after")
    return float(value) if value is not None and value.isdecimal() else None
