"""Fetching an image that a request names by a URL, without being sent anywhere private.

The name is resolved once, every address that it resolves to must be public, and the connection is
made to the very address that was checked, so that a second answer of the name server changes
nothing. The URL's host stays the name for ``Host``, for TLS and for its certificate. Redirects are
followed by hand, each checked as the first URL was. Proxies of the environment are not used, and
errors do not say what an address answered that could not be read as an image.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpcore2
import httpx2

from budget.serving.data_urls import shortened
from budget.serving.errors import RequestError
from budget.serving.public_addresses import Network, may_reach

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT_S = 5.0
# Threads of its own: a slow name server must not hold those that decode images.
_RESOLVING = ThreadPoolExecutor(8, thread_name_prefix="resolve")
_HEADERS: list[tuple[bytes | str, bytes | str]] = [
    ("Accept", "image/*"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", "matryoshka-budget"),
]


@dataclass(frozen=True, slots=True)
class RemoteRules:
    """Where images may be fetched from, and how long that may take.

    Attributes:
        networks: networks that are allowed although they are not public, none by default.
        ports: ports that a URL may name.
        max_redirects: redirects that are followed.
        deadline_s: seconds for all of it: resolving, redirects and every byte of the body.

    Raises:
        ValueError: if a number is out of range.
    """

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset(_PORTS.values())
    max_redirects: int = 3
    deadline_s: float = 10.0

    def __post_init__(self) -> None:
        if odd := [port for port in self.ports if not 1 <= port <= 65535]:
            raise ValueError(f"a port must lie in 1..65535, got {odd[0]}")
        if not 0 <= self.max_redirects <= 20:
            raise ValueError(f"max_redirects must lie in 0..20, got {self.max_redirects}")
        if not 0 < self.deadline_s <= 600:
            raise ValueError(f"deadline_s must lie in (0, 600], got {self.deadline_s}")


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the operating system resolves it, in its order.

    Raises:
        OSError: if there is no such name.
    """
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVING, ask)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _NotPublic(Exception):
    """A name resolves to an address that is not reached."""


class _CheckedDialer(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were checked, whatever a name resolves to a moment later."""

    def __init__(self, resolver: Resolver, networks: Sequence[Network]) -> None:
        self._resolver = resolver
        self._networks = networks
        self._plain = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve once, check every address, and connect to the first that answers."""
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as problem:  # a label of 64 letters is a UnicodeError
            raise httpcore2.ConnectError(str(problem)) from problem
        if not addresses or not all(may_reach(each, self._networks) for each in addresses):
            raise _NotPublic(host)
        for address in addresses[:-1]:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._plain.connect_tcp(addresses[-1], port, timeout, local_address)


class RemoteImages:
    """Fetches images by ``http`` and ``https``.

    Args:
        max_bytes: the most bytes an image may have.
        rules: where from and how long.
        resolver: maps a host and a port to addresses; replaced in tests.
        ssl_context: certificates that are trusted, by default the system's.
    """

    def __init__(
        self,
        max_bytes: int,
        rules: RemoteRules | None = None,
        *,
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.max_bytes = max_bytes
        self.rules = rules or RemoteRules()
        self._dialer = _CheckedDialer(resolver, self.rules.networks)
        self._ssl_context = ssl_context

    async def fetch(self, url: str, *, param: str | None = None) -> bytes:
        """Return what stands at a URL.

        Args:
            url: ``http://`` or ``https://``, without user and password.
            param: the part of the request, for the error.

        Raises:
            RequestError: if the URL is not well formed or not allowed, leads to an address that is
                not public, or what is there is too long, too slow, missing or compressed.
        """
        try:
            async with asyncio.timeout(self.rules.deadline_s):
                return await self._follow(url, param)
        except TimeoutError:
            seconds = f"{self.rules.deadline_s:g}"
            raise _refusal(url, f"did not arrive within {seconds} s", param, "timeout") from None
        except _NotPublic:
            raise _refusal(url, "is not at a public address", param, "forbidden") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException):
            raise _refusal(url, "could not be fetched", param, "unreachable") from None

    async def _follow(self, url: str, param: str | None) -> bytes:
        place = url
        for _ in range(self.rules.max_redirects + 1):
            target = self._checked(place, param)
            answer = await self._get(target, param)
            if isinstance(answer, bytes):
                return answer
            place = _joined(target, answer)
        limit = self.rules.max_redirects
        raise _refusal(url, f"redirects more than {limit} times", param, "redirects")

    def _checked(self, url: str, param: str | None) -> httpx2.URL:
        """Return a URL in parts if its form is one that is fetched."""
        try:
            target = httpx2.URL(url)
            port = _PORTS.get(target.scheme) if target.port is None else target.port
        except (httpx2.InvalidURL, ValueError):
            raise _refusal(url, "is not well formed", param, "invalid") from None
        if target.scheme not in _PORTS or not target.raw_host:
            raise _refusal(url, "must begin with http:// or https:// and a host", param, "invalid")
        if target.userinfo:
            raise _refusal(url, "must not hold a user or a password", param, "forbidden")
        if port not in self.rules.ports:
            legal = ", ".join(map(str, sorted(self.rules.ports)))
            raise _refusal(url, f"must be at one of the ports {legal}", param, "forbidden")
        return target

    async def _get(self, target: httpx2.URL, param: str | None) -> bytes | str:
        """Return the body at a URL, or where it says that the body is."""
        # A pool of its own: a connection of another request was checked for another host.
        pool = httpcore2.AsyncConnectionPool(
            self._ssl_context, network_backend=self._dialer, max_keepalive_connections=0
        )
        place = httpcore2.URL(
            scheme=target.raw_scheme,
            host=target.raw_host,
            port=target.port,
            target=target.raw_path,
        )
        headers = [(b"Host", target.netloc), *_HEADERS]
        limits = {"connect": _CONNECT_S}
        async with (
            pool,
            pool.stream("GET", place, headers=headers, extensions={"timeout": limits}) as response,
        ):
            known = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in _REDIRECTS and (location := known.get(b"location")):
                return location
            return await self._body(str(target), response, known, param)

    async def _body(
        self, url: str, response: httpcore2.Response, headers: dict[bytes, str], param: str | None
    ) -> bytes:
        if response.status != 200:
            raise _refusal(url, f"answered with status {response.status}", param, "unreachable")
        if headers.get(b"content-encoding", "identity").strip().lower() not in ("identity", ""):
            raise _refusal(url, "answered with a compressed body", param, "invalid")
        length = headers.get(b"content-length", "0")
        if length.isdecimal() and int(length) > self.max_bytes:
            raise self._too_long(param)
        data = bytearray()
        async for piece in response.aiter_stream():
            data += piece
            if len(data) > self.max_bytes:
                raise self._too_long(param)
        if not data:
            raise _refusal(url, "is empty", param, "invalid")
        return bytes(data)

    def _too_long(self, param: str | None) -> RequestError:
        return RequestError(
            f"an image may have at most {self.max_bytes:,} bytes",
            param=param,
            code="image_too_large",
        )


def _joined(base: httpx2.URL, location: str) -> str:
    try:
        return str(base.join(location))
    except (httpx2.InvalidURL, ValueError):
        return location  # refused by the next check


def _refusal(url: str, why: str, param: str | None, kind: str) -> RequestError:
    """Return an error about a URL; what stands before an @ in it may be a password."""
    shown = shortened(url.split("?")[0].split("#")[0])
    if "@" in shown:
        shown = "the URL"
    return RequestError(f"image_url {shown!r} {why}", param=param, code=f"image_url_{kind}")
