"""A uvicorn server that drains: one signal finishes what runs, a second one stops at once."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from budget.serving.binding import bound_socket, url_of
from budget.serving.intake import Intake

__all__ = ["DrainingServer", "bound_socket", "run_server"]

_KEEP_ALIVE_S = 65  # longer than balancers keep a connection, or they would meet closed ones
_LAST_WRITES_S = 5  # for readers to take what was answered, when the work is over


class DrainingServer(uvicorn.Server):
    """Runs an app until SIGTERM or SIGINT, then until its requests are answered.

    While it drains, the socket stays open: ``/health`` says so, new requests get 503.

    Args:
        config: uvicorn's.
        intake: what is drained.
        grace_s: seconds that running and waiting requests may take to end.
        announce: called with the server's address once it listens.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        intake: Intake,
        grace_s: float,
        announce: Callable[[str], None],
    ) -> None:
        super().__init__(config)
        self.intake, self.grace_s, self.announce = intake, grace_s, announce
        self._draining: asyncio.Task[None] | None = None
        self._signals = 0
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say where."""
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.announce(url_of(self.servers[0].sockets[0]))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal; at the second one the process ends here."""
        self._signals += 1
        if self._signals > 1 or self.loop is None:
            os._exit(128 + sig)  # a step of the model cannot be interrupted otherwise
        self.loop.call_soon_threadsafe(self._begin_to_drain)

    def _begin_to_drain(self) -> None:
        self._draining = asyncio.ensure_future(self._drain())

    async def _drain(self) -> None:
        self.intake.close()
        try:
            await asyncio.wait_for(self.intake.drained(), self.grace_s)
        except TimeoutError:
            self.intake.cancel_all()
        self.should_exit = True


def run_server(
    app: FastAPI,
    bound: socket.socket,
    *,
    grace_s: float,
    announce: Callable[[str], None],
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Serve an app until a signal; return when all requests were answered or time was over.

    Args:
        app: as ``create_app`` makes it.
        bound: where to listen.
        grace_s: seconds that requests may take to end after the first signal.
        announce: called with the server's address once it listens.
        at_end: called when no request is inside any more; not after a second signal.
    """
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LAST_WRITES_S,
    )
    DrainingServer(config, app.state.intake, grace_s, announce).run([bound])
    at_end()
    if app.state.intake.busy:  # in a step that was cancelled and has not ended
        sys.stdout.flush()
        os._exit(0)
