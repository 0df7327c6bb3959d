"""A real HTTP server on loopback that behaves as servers of images do, and as hostile ones do."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Host:
    """What runs, and what was asked of it.

    Attributes:
        port: where it listens, on 127.0.0.1 and 127.0.0.2.
        heads: the head of every request.
        sent: bytes of bodies handed to the network.
        handlers: what is done for each path.
    """

    port: int = 0
    heads: list[str] = field(default_factory=list)
    sent: int = 0
    handlers: dict[str, Handler] = field(default_factory=dict)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answers(self, path: str, body: bytes, *head: str, status: str = "200 OK") -> None:
        """Answer a path with a body, and its length if the head does not speak of it."""
        lines = [f"HTTP/1.1 {status}", *head]
        if not any(line.lower().startswith(("content-length", "transfer")) for line in head):
            lines.append(f"Content-Length: {len(body)}")

        async def handler(writer: asyncio.StreamWriter) -> None:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()

        self.handlers[path] = handler

    def redirects(self, path: str, location: str, status: str = "302 Found") -> None:
        self.answers(path, b"", f"Location: {location}", status=status)

    def streams(self, path: str, piece: bytes, *, pause: float, times: int, head: str = "") -> None:
        """Answer a path with a piece again and again."""

        async def handler(writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode())
            for _ in range(times):
                writer.write(piece)
                self.sent += len(piece)
                await writer.drain()
                await asyncio.sleep(pause)

        self.handlers[path] = handler

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            await self.handlers[head.split()[1]](writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client hung up, which is what some tests want
        finally:
            writer.close()


@asynccontextmanager
async def picture_host(tls: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    """Run a host at 127.0.0.1 and 127.0.0.2, on a port that is free."""
    host = Host()
    first = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=tls)
    host.port = first.sockets[0].getsockname()[1]
    second = await asyncio.start_server(host.serve, "127.0.0.2", host.port, ssl=tls)
    try:
        yield host
    finally:
        first.close()
        second.close()
        await asyncio.sleep(0.01)


def png(width: int = 4, height: int = 3, colour: str = "red") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG of some bytes whose header, checksum and all, states another size."""
    import struct
    import zlib

    header = b"IHDR" + struct.pack(">II", width, height) + b"\x08\x02\0\0\0"
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + png()[33:]


def as_url(data: bytes, kind: str = "image/png") -> str:
    """Return a data URL that carries an image file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
