"""The server behind: sends it a request, and hands its answer on piece by piece."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx2

from budget.serving.errors import RequestError

Headers = list[tuple[bytes, bytes]]

# RFC 9110, 7.6.1: these are between two neighbours, whoever passes a message on leaves them out.
_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
_WRITTEN_ANEW = {b"host", b"content-length", b"expect"}
# Shorter than the 5 s after which uvicorn, and so vLLM, closes a connection that is not used.
_KEEP_S = 2.0
_CONNECT_S = 5.0


def end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers that are passed on.

    Example:
        >>> end_to_end([(b"A", b"1"), (b"Connection", b"close, B"), (b"b", b"2")])
        [(b'A', b'1')]
    """
    found = list(headers)
    named = {
        name.strip().lower()
        for key, value in found
        if key.lower() == b"connection"
        for name in value.split(b",")
    }
    dropped = _HOP_BY_HOP | named
    return [(name, value) for name, value in found if name.lower() not in dropped]


def parse_upstream(url: str) -> httpx2.URL:
    """Return the address of the server behind; ``/v1`` at its end is left to the requests' paths.

    Raises:
        ValueError: if it is not ``http://host`` or ``https://host``, with or without a path.

    Example:
        >>> str(parse_upstream("http://127.0.0.1:8000/v1/"))
        'http://127.0.0.1:8000'
    """
    try:
        found = httpx2.URL(url)
    except httpx2.InvalidURL:
        found = httpx2.URL("")
    if found.scheme not in ("http", "https") or not found.host or found.query or found.userinfo:
        raise ValueError(f"--upstream must be such as http://127.0.0.1:8000, got {url!r}")
    return found.copy_with(path=found.path.rstrip("/").removesuffix("/v1"), fragment=None)


class Upstream:
    """Connections to the server behind.

    No cookies are kept, no redirect is followed and no proxy of the environment is used: what
    clients say and are told is theirs.

    Args:
        url: where it is.
        timeout_s: seconds that it may be silent, before its answer and within.
    """

    def __init__(self, url: str, *, timeout_s: float = 600.0) -> None:
        self.url = parse_upstream(url)
        self._transport = httpx2.AsyncHTTPTransport(
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=64, keepalive_expiry=_KEEP_S
            ),
        )
        self._timeouts = {"connect": _CONNECT_S, "read": timeout_s, "write": timeout_s}

    @asynccontextmanager
    async def send(
        self, method: str, path: bytes, headers: Headers, body: bytes
    ) -> AsyncIterator[httpx2.Response]:
        """Send a request; the answer's body is read while the context is open.

        Args:
            method: such as ``POST``.
            path: path and query, as the client wrote them.
            headers: the client's; those that are not passed on are left out.
            body: all of it.

        Raises:
            RequestError: 502 if the server cannot be reached or breaks off before its answer, 504
                if it is silent for too long.
        """
        kept = [header for header in end_to_end(headers) if header[0].lower() not in _WRITTEN_ANEW]
        request = httpx2.Request(
            method,
            self.url.copy_with(raw_path=self.url.raw_path.rstrip(b"/") + path),
            headers=kept,
            content=body,
            extensions={"timeout": self._timeouts},
        )
        response = await self._answer(request)
        try:
            yield response
        finally:
            await response.aclose()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._transport.handle_async_request(request)
        except (httpx2.ReadTimeout, httpx2.WriteTimeout):
            seconds = f"{self._timeouts['read']:g}"
            raise RequestError(
                f"the server behind the proxy did not answer within {seconds} s",
                code="upstream_timeout",
                status=504,
            ) from None
        except httpx2.ConnectTimeout:
            raise RequestError(
                f"the server behind the proxy was not reached within {_CONNECT_S:g} s",
                code="upstream_timeout",
                status=504,
            ) from None
        except httpx2.TransportError:
            raise RequestError(
                "the server behind the proxy cannot be reached",
                code="upstream_unreachable",
                status=502,
            ) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()
