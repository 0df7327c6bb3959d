"""Serves a page: no request of it leaves for another host, and a signal ends it at once."""

import asyncio
import os
import socket
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from budget.serving.binding import url_of
from experiments.ui.hosts import refusal

if TYPE_CHECKING:
    import gradio as gr

# What a browser may load, and from where. Gradio's own scripts stand in the page and build
# functions from text; hosts are what matters here.
_OWN_HOST_ONLY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; media-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
_GRACE_S = 2  # for answers under way when the process is told to end


def app_of(page: "gr.Blocks", *, max_upload_mb: float, **look: Any) -> FastAPI:
    """Return the application that serves a page.

    Args:
        page: as ``build_page`` makes it.
        max_upload_mb: largest file that may be uploaded, in MB of 2^20 bytes.
        look: theme and style.
    """
    import gradio

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def keep_to_own_host(request: Request, proceed: RequestResponseEndpoint) -> Response:
        response = refusal(request) or await proceed(request)
        response.headers["Content-Security-Policy"] = _OWN_HOST_ONLY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    mounted: FastAPI = gradio.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        max_file_size=int(max_upload_mb * 2**20),
        ssr_mode=False,
        enable_monitoring=False,
        show_error=True,
        pwa=False,
        mcp_server=False,
        **look,
    )
    return mounted


class PageServer(uvicorn.Server):
    """Runs an application until SIGTERM or SIGINT; a second signal ends the process there.

    Args:
        config: uvicorn's.
        announce: called with the address once it listens.
        at_signal: called at the first signal, to end what would not end by itself.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[str], None],
        at_signal: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self.announce, self.at_signal = announce, at_signal
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say where."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.announce(url_of(self.servers[0].sockets[0]))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at the first signal; at the second one the process ends here."""
        if self._told or self._loop is None:
            os._exit(128 + sig)  # a step of the model cannot be interrupted otherwise
        self._told = True
        self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self.at_signal()
        self.should_exit = True


def run_page(
    app: FastAPI, page: "gr.Blocks", bound: socket.socket, announce: Callable[[str], None]
) -> None:
    """Serve a page until a signal.

    Args:
        app: as :func:`app_of` makes it.
        page: that it serves.
        bound: where to listen.
        announce: called with the address once it listens.
    """
    config = uvicorn.Config(
        app,
        ws="none",
        log_level="critical",  # a page that is open when the server ends is no error
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
    )

    def close_streams() -> None:
        page.is_running = False
        page.app.stop_event.set()  # every open page holds a stream that waits for this

    PageServer(config, announce, close_streams).run([bound])
