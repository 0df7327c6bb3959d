"""Runs an application on an address, and says the address once it is ready."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from budget.serving.binding import bound_socket, url_of

_GRACE_S = 30  # seconds that running answers get when the process is told to end


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            self._announce(url_of(sockets[0]))


def listen(app: ASGIApp, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Args:
        app: what is served.
        host: address to listen on.
        port: port to listen on, 0 for one that is free.
        announce: is told the URL once requests are taken.

    Raises:
        OSError: if the address cannot be listened on.
    """
    config = uvicorn.Config(
        app,
        ws="none",
        proxy_headers=False,  # they are the server's behind
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,  # those of the answers that are relayed stand
        timeout_graceful_shutdown=_GRACE_S,
    )
    # A socket that knows its protocol: only then does asyncio send small pieces at once
    # (TCP_NODELAY); else each answer waits 40 ms for an acknowledgement.
    with bound_socket(host, port) as bound:
        _Announcing(config, announce).run([bound])
