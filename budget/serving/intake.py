"""Requests in, batches out: one queue, one worker thread, nothing lost and nothing mixed up."""

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from budget.serving.batches import Answerer, run_batch
from budget.serving.errors import RequestError
from budget.serving.jobs import Job
from budget.serving.metrics import Metrics
from budget.serving.pace import Pace
from budget.serving.tickets import Ticket

logger = logging.getLogger(__name__)


class Batching(NamedTuple):
    """How requests become batches.

    Attributes:
        max_batch: requests that run together.
        max_wait_ms: milliseconds that the first of a batch waits for others.
        max_queue: requests that wait, from their first byte to their turn.
    """

    max_batch: int = 16
    max_wait_ms: float = 5.0
    max_queue: int = 64


class Overloaded(RequestError):
    """A request that may be tried again.

    Attributes:
        retry_after_s: seconds to wait before that.
    """

    def __init__(self, message: str, *, status: int, code: str, retry_after_s: int) -> None:
        super().__init__(message, status=status, code=code)
        self.retry_after_s = retry_after_s


class Intake:
    """Where requests wait for the model.

    All methods are for the event loop. A request enters (or is refused), is made a job, and
    leaves when its job is done, is dropped, or never became one.

    Args:
        vlm: answers batches; called in one thread of its own.
        batching: how large batches and queue are.
        metrics: counts batches, the queue and its seconds.
    """

    def __init__(self, vlm: Answerer, batching: Batching, metrics: Metrics) -> None:
        self.vlm, self.batching, self.metrics = vlm, batching, metrics
        self.draining = False
        self.pace = Pace()
        self._waiting = 0  # entered and not yet running
        self._inside = 0  # entered and not yet done
        self._queue: deque[Job] = deque()
        self._running: tuple[Job, ...] = ()
        self._arrived, self._empty = asyncio.Event(), asyncio.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")
        self._work: Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._serve())

    async def stop(self) -> None:
        """Stop at once: what waits or runs is cancelled; a step under way ends by itself."""
        self.close()
        self.cancel_all()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._worker.shutdown(wait=False, cancel_futures=True)

    def enter(self) -> Ticket:
        """Let a request in; whoever gets the ticket submits a job with it, or leaves.

        Raises:
            Overloaded: 503 while draining, 429 if too many wait.
        """
        if self.draining:
            raise _shutting_down()
        if self._waiting >= self.batching.max_queue:
            raise Overloaded(
                f"{self._waiting} requests wait already, the most that may",
                status=429,
                code="queue_full",
                retry_after_s=self.pace.seconds_for(self._waiting),
            )
        return Ticket(self._count)

    def submit(self, job: Job) -> None:
        """Put a job into the queue; its ticket leaves when the job is done."""
        job.answer.add_done_callback(lambda _: self._done(job))
        self._queue.append(job)
        self._arrived.set()

    def drop(self, job: Job) -> None:
        """Forget a job that nobody waits for; if it runs already, it ends at the next step."""
        job.cancel()
        if job in self._queue:
            self._queue.remove(job)
            job.ticket.leave()

    def close(self) -> None:
        """Let no new request in; those inside go on."""
        self.draining = True
        self._count(0, 0)

    async def drained(self) -> None:
        """Wait until every request that is inside is done; after :meth:`close`."""
        await self._empty.wait()

    def cancel_all(self) -> None:
        """Cancel everything that waits or runs."""
        for job in (*self._queue, *self._running):
            job.fail(_shutting_down())
            job.cancelled = True
        self._queue.clear()

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return self._waiting

    @property
    def running(self) -> int:
        """Requests in the batch that runs now."""
        return len(self._running)

    @property
    def busy(self) -> bool:
        """Whether the worker's thread is in a batch."""
        return self._work is not None and not self._work.done()

    async def _serve(self) -> None:
        while True:
            if not (batch := await self._next_batch()):
                continue  # all of them hung up while they waited
            self._running = batch
            self.metrics.batch(batch)
            try:
                self._work = self._worker.submit(run_batch, self.vlm, batch)
                await asyncio.wrap_future(self._work)
            except Exception as problem:  # nothing may end the loop
                logger.exception("a batch of %d was lost", len(batch))
                for job in batch:
                    job.fail(problem)
            finally:
                self._running = ()

    async def _next_batch(self) -> tuple[Job, ...]:
        """Return up to ``max_batch`` jobs; the first one waits ``max_wait_ms`` at most."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        until = self._queue[0].created + self.batching.max_wait_ms / 1000
        while 0 < len(self._queue) < self.batching.max_batch:
            if (left := until - time.perf_counter()) <= 0:
                break
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                break
        count = min(len(self._queue), self.batching.max_batch)
        batch = tuple(self._queue.popleft() for _ in range(count))
        for job in batch:
            job.started = time.perf_counter()
            job.ticket.run()
        return batch

    def _done(self, job: Job) -> None:
        job.ticket.leave()
        if not job.answer.cancelled():
            self.pace.note()

    def _count(self, waiting: int, inside: int) -> None:
        self._waiting += waiting
        self._inside += inside
        if self.draining and not self._inside:
            self._empty.set()


def _shutting_down() -> Overloaded:
    return Overloaded("the server is shutting down", status=503, code="draining", retry_after_s=1)
