"""The bytes of a request's body, counted while they come."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request

from budget.serving.errors import RequestError

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client hung up; nobody reads a response."""


async def read_body(request: Request, *, max_bytes: int, timeout_s: float) -> bytes:
    """Return a request's body, which must be JSON by its content type.

    Args:
        request: the request, of which nothing was read.
        max_bytes: the most bytes; more are refused as soon as it is known, whether or not a
            Content-Length was sent.
        timeout_s: seconds until the body must be there.

    Raises:
        RequestError: 415 for another content type, 413 for too many bytes, 408 if too slow.
        ClientGone: if the client hangs up before.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise RequestError(
            f"the body must be application/json, got {kind[:64]!r}",
            status=415,
            code="unsupported_media_type",
        )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(request.receive, max_bytes)
    except TimeoutError:
        raise RequestError(
            f"the body did not arrive within {timeout_s:g} seconds", status=408, code="timeout"
        ) from None


async def until_gone(receive: Receive) -> None:
    """Return when the client has hung up; after the whole body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(max_bytes: int) -> RequestError:
    return RequestError(
        f"the body may have at most {max_bytes:,} bytes", status=413, code="body_too_large"
    )
