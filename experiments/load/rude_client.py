"""Clients that dawdle, send too much or go away, on a socket of their own.

What they do cannot be done through an HTTP library, which reads as fast as it can and closes in
order. h11 makes and reads the messages.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import h11

from experiments.load.call import Call, Manner, Outcome

WRITE_PIECES = 25
PAUSE = 0.02  # seconds between two pieces
READ_BYTES = 16
# A small window, or the kernel would take in the whole answer for a client that does not read.
RECEIVE_BUFFER = 4096


async def send_rudely(
    url: str, call: Call, *, key: str | None = None, patience: float = 120.0, haste: float = 0.01
) -> Outcome:
    """Send one request in its manner; the outcome's time is left at 0.

    Args:
        url: the server, as ``http://host:port``.
        call: the request.
        key: the API key, where the server wants one.
        patience: seconds without a byte after which an answer counts as lost.
        haste: seconds after which a client that does not wait has gone.
    """
    conversation = _Conversation(url, call, key, patience)
    try:
        async with conversation.connected():
            await conversation.run(haste)
    except (OSError, TimeoutError, h11.RemoteProtocolError) as problem:
        conversation.problem = f"{type(problem).__name__}: {problem}"
    return Outcome(
        conversation.status,
        0.0,
        bytes(conversation.body),
        conversation.headers,
        "" if call.manner.leaves else conversation.problem,
    )


class _Conversation:
    """One request and its answer over one connection."""

    def __init__(self, url: str, call: Call, key: str | None, patience: float) -> None:
        self.call, self.patience = call, patience
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = bytearray()
        self.problem = ""
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._key = key
        self._http = h11.Connection(our_role=h11.CLIENT)
        self._socket: socket.socket

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Hold a connection; clients that leave reset it, without a word."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        if self.call.manner is Manner.SLOW_READ:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if self.call.manner.leaves:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self._socket:
            await asyncio.get_running_loop().sock_connect(self._socket, self._address)
            yield

    async def run(self, haste: float) -> None:
        """Send and read as the call's manner says."""
        match self.call.manner:
            case Manner.LEAVES_WRITING:
                await self._write(self._head() + self.call.body[: len(self.call.body) // 2])
            case Manner.LEAVES_WAITING:
                await self._write(self._head() + self.call.body)
                await asyncio.sleep(haste)
            case Manner.LEAVES_READING:
                await self._write(self._head() + self.call.body)
                await self._read_some(256)
            case Manner.SLOW_WRITE:
                await self._write_slowly(self._head() + self.call.body)
                await self._read()
            case Manner.OVERSIZED:
                await self._write_and_read()
            case _:
                await self._write(self._head() + self.call.body)
                await self._read()

    def _head(self) -> bytes:
        host, port = self._address
        length = len(self.call.body)
        headers = [
            ("host", f"{host}:{port}"),
            ("content-type", "application/json"),
            ("content-length", str(length)),
            ("connection", "close"),
        ]
        if self._key is not None and self.call.key:
            headers.append(("authorization", f"Bearer {self._key}"))
        request = h11.Request(method=self.call.method, target=self.call.path, headers=headers)
        head = self._http.send(request)
        self._http.send(h11.Data(data=self.call.body))
        self._http.send(h11.EndOfMessage())
        assert head is not None
        return head

    async def _write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(loop.sock_sendall(self._socket, data), self.patience)

    async def _write_slowly(self, data: bytes) -> None:
        step = -(-len(data) // WRITE_PIECES)
        for start in range(0, len(data), step):
            await self._write(data[start : start + step])
            await asyncio.sleep(PAUSE)

    async def _write_and_read(self) -> None:
        """Send a body that is refused on the way; the answer counts, the rest need not arrive."""
        writing = asyncio.ensure_future(self._write(self._head() + self.call.body))
        try:
            await self._read()
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError, OSError, TimeoutError):
                await writing

    async def _read(self) -> None:
        slow = self.call.manner is Manner.SLOW_READ
        while not await self._read_some(READ_BYTES if slow else 65_536):
            if slow:
                await asyncio.sleep(PAUSE / 4)

    async def _read_some(self, count: int) -> bool:
        """Read once; return whether the answer is complete."""
        loop = asyncio.get_running_loop()
        data = await asyncio.wait_for(loop.sock_recv(self._socket, count), self.patience)
        self._http.receive_data(data)
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                self.status = event.status_code
                self.headers = tuple(
                    (name.decode(), value.decode("latin-1")) for name, value in event.headers
                )
            elif isinstance(event, h11.Data):
                self.body += event.data
            elif event is h11.NEED_DATA:
                return False
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return True
