"""What requests are made of: distinct scenes with their questions, and files that are no images."""

import base64
import struct
import zlib
from io import BytesIO
from typing import NamedTuple

from PIL import Image

from experiments.scenes.data import iterate_scenes

QUESTIONS = 3
BOMB_SIDE = 50_000
# More pixels than a server allows, fewer than the reader of pictures does by itself.
LARGE_SIDE = 9_000


class Picture(NamedTuple):
    """One scene.

    Attributes:
        png: the scene as a PNG file.
        jpeg: the scene as a JPEG file, which is another picture: it loses detail.
        questions: what can be asked about it.
    """

    png: bytes
    jpeg: bytes
    questions: tuple[str, ...]


def draw_pictures(count: int) -> list[Picture]:
    """Return so many distinct scenes of the split *test*."""
    return [
        Picture(
            file_of(Image.fromarray(scene.pixels), "PNG"),
            file_of(Image.fromarray(scene.pixels), "JPEG"),
            tuple(question.text for question in scene.questions),
        )
        for scene in iterate_scenes("test", count, questions=QUESTIONS)
    ]


def file_of(image: Image.Image, kind: str) -> bytes:
    """Return an image as the bytes of a file."""
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


def data_url(data: bytes, media: str = "image/png") -> str:
    """Return bytes as a data URL.

    Example:
        >>> data_url(b"GIF", "image/gif")
        'data:image/gif;base64,R0lG'
    """
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def bomb(side: int = BOMB_SIDE) -> bytes:
    """Return a small PNG file that declares ``side`` by ``side`` RGB pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def large_image(side: int = LARGE_SIDE) -> bytes:
    """Return a whole PNG file, small on disk, of ``side`` by ``side`` black or white pixels."""
    return file_of(Image.new("1", (side, side)), "PNG")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
