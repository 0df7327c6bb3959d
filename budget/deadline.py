"""Decisions with a deadline: one thread does it, and is left behind with what takes too long."""

import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LateError(Exception):
    """Work was not done in time; the message ends where the number of milliseconds goes."""


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self.work = work
        self.context = copy_context()
        self.done = threading.Event()
        self.abandoned = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.context.run(self.work)
        except BaseException as error:  # raised where it was asked for
            self.error = error
        self.done.set()


class OneWorker:
    """Does work on one thread, one piece after the other.

    There is never a second thread: while a piece that nobody waits for any more still runs, new
    work is refused at once. The thread is started with the first piece and dies with the process.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        self._lock = threading.Lock()
        self._running: _Job[Any] | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Return what ``work`` returns, or raise what it raises, in time.

        Args:
            work: called without arguments, on the thread.
            seconds: longest that it may take, waiting for others' work included.

        Raises:
            LateError: if it takes longer, or what runs before it is late already. It is dropped
                then, whether or not it has begun.
        """
        job = _Job(work)
        with self._lock:
            self._start()
            if self._running is not None and self._running.abandoned:
                raise LateError("an earlier decision still runs after its")
        self._jobs.put(job)
        try:
            if not job.done.wait(seconds):
                raise LateError("no decision within")
        except BaseException:  # also where the waiting itself was interrupted
            job.abandoned = True
            raise
        if job.error is not None:
            raise job.error
        result: Any = job.result
        return result  # type: ignore[no-any-return]

    def _start(self) -> None:
        # After a fork the thread of the parent is not there, nor what it was doing.
        if self._thread is None or not self._thread.is_alive():
            self._running = None
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            self._do(self._jobs.get())

    def _do(self, job: _Job[Any]) -> None:
        if not job.abandoned:
            self._running = job
            job.run()
            self._running = None
