"""Takes in a request, has its budget decided, and relays the answer as it comes.

Written against ASGI itself: what is relayed is bytes and headers, and a client that goes away must
end the request behind at any moment, before the answer as within.
"""

import asyncio
import json
import time
from typing import Any

import httpx2
from starlette.types import Receive, Scope, Send

from budget.proxy.metrics import ProxyMetrics
from budget.proxy.rewrite import Rewriter, Rewritten
from budget.proxy.upstream import Headers, Upstream, end_to_end
from budget.serving.errors import RequestError

_CHAT = "/chat/completions"
_CLIENT_GONE = 499  # as nginx counts it; nobody is told


class Relay:
    """The application that every path but the proxy's own leads to.

    Args:
        upstream: the server behind.
        rewriter: decides for chat completions.
        metrics: counts.
        max_body_bytes: the longest body that is taken.
    """

    def __init__(
        self, upstream: Upstream, rewriter: Rewriter, metrics: ProxyMetrics, max_body_bytes: int
    ) -> None:
        self._upstream = upstream
        self._rewriter = rewriter
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        with self._metrics.running.track_inprogress():
            exchange = _Exchange(send)
            try:
                body = await self._read_body(scope, receive)
                await _until_gone(self._answer(scope, body, exchange), receive)
            except _ClientGone:
                pass
            except RequestError as error:
                await exchange.refuse(error)
            self._metrics.answered(exchange.status or _CLIENT_GONE)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        headers = dict(scope["headers"])
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._max_body_bytes:
            raise self._too_long()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                raise self._too_long()
            if not message.get("more_body"):
                return bytes(body)

    def _too_long(self) -> RequestError:
        return RequestError(
            f"a request may have at most {self._max_body_bytes:,} bytes",
            code="body_too_large",
            status=413,
        )

    async def _answer(self, scope: Scope, body: bytes, exchange: "_Exchange") -> None:
        outcome = await self._decide(scope, body)
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        async with self._upstream.send(
            scope["method"], path + (b"?" + query if query else b""), scope["headers"], outcome.body
        ) as response:
            await exchange.relay(response, _told(outcome))

    async def _decide(self, scope: Scope, body: bytes) -> Rewritten:
        if scope["method"] != "POST" or not scope["path"].rstrip("/").endswith(_CHAT):
            return Rewritten(body)
        if dict(scope["headers"]).get(b"content-encoding", b"identity") != b"identity":
            outcome, seconds = Rewritten(body, fallback="body"), 0.0
        else:
            start = time.perf_counter()
            outcome = await self._rewriter.rewrite(body)
            seconds = time.perf_counter() - start
        self._metrics.decided(outcome, seconds)
        return outcome


class _ClientGone(Exception):
    """Nobody waits for the answer any more."""


class _Exchange:
    """The way back to one client; ``status`` is what it was told, 0 before that."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def relay(self, response: httpx2.Response, told: Headers) -> None:
        """Hand an answer on, every piece at once.

        Where the server behind breaks off, so does this answer: its end is not sent.
        """
        replaced = {name for name, _ in told}
        headers = [h for h in end_to_end(response.headers.raw) if h[0].lower() not in replaced]
        await self._start(response.status_code, headers + told)
        try:
            async for piece in response.stream:  # type: ignore[union-attr]
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        except httpx2.TransportError:
            return
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, error: RequestError) -> None:
        """Answer with an error of the proxy's own."""
        body = json.dumps(error.body()).encode()
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await self._start(error.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


def _told(outcome: Rewritten) -> Headers:
    """Return the headers that say what was decided."""
    told = {
        b"x-visual-budget": ",".join(map(str, outcome.rungs)),
        b"x-visual-budget-reason": "" if outcome.reason == "no image" else outcome.reason,
        b"x-visual-budget-fallback": outcome.fallback,
    }
    return [(name, value.encode()) for name, value in told.items() if value]


async def _until_gone(work: Any, receive: Receive) -> None:
    """Run what answers a request, but no longer than its client is there.

    Raises:
        _ClientGone: if it went away first; the work was cancelled, and has ended.
        Exception: whatever the work raises.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _ClientGone
        await working
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
