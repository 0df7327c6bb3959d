"""What is refused before anything is decoded, and said in one line."""

import io
import os
import struct
import warnings
import zlib

import pytest
from PIL import Image

from budget.errors import DataError
from budget.pictures import MAX_BYTES, as_shown, open_image

BIG = struct.pack("<HH", 60_000, 60_000)


def png_header(width, height):
    """Return a PNG that claims a size and has next to no pixels."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in ((b"IHDR", body), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(data)) + kind + data)
        parts.append(struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


def saved(image, kind):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("width", "height", "match"),
    [
        (60_000, 60_000, "has more than 100,000,000 pixels, the most allowed"),
        (12_000, 9_000, "is 12000 x 9000; allowed are at most 100,000,000 pixels"),
        (70_000, 1, "is 70000 x 1; allowed are .* and 65,535 a side"),
        (2**31 - 1, 2**31 - 1, "has more than 100,000,000 pixels"),
        (9_500, 9_500, "is corrupt or cut off"),  # large enough that Pillow alone would warn
        (0, 5, "is no image, or its header is corrupt"),
    ],
)
def test_bombs_are_refused_by_their_header(width, height, match):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=rf"^bomb\.png {match}"):
            open_image(png_header(width, height), name="bomb.png")


@pytest.mark.parametrize(
    "header",
    [
        b"P6 60000 60000 255 ",
        b"BM" + struct.pack("<IIIIiiHHIIIIII", 99, 0, 54, 40, 60_000, 60_000, 1, 24, *[0] * 6),
        # A picture of full size on the GIF's canvas; one colour, no pixels.
        b"GIF89a" + BIG + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + BIG + b"\0\2\1\0\0;",
    ],
)
def test_bombs_of_other_formats(header):
    with pytest.raises(DataError, match=r"^bomb has more than 100,000,000 pixels"):
        open_image(header, name="bomb")


def test_a_huge_image_in_memory_is_refused():
    with pytest.raises(DataError, match="the image is 65536 x 1; allowed are"):
        as_shown(Image.new("L", (65_536, 1)))


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "huge.webp"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)  # a hole, which takes no space
    with pytest.raises(DataError, match=r"huge\.webp has 1,000,000,001 bytes; at most"):
        open_image(path)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_an_image_without_pixels_is_refused(size):
    with pytest.raises(DataError, match=f"the image has no pixels, it is {size[0]} x {size[1]}"):
        as_shown(Image.new("RGB", size))


@pytest.mark.parametrize("given", [None, "x.png", b"..."])
def test_what_is_no_pil_image_is_refused(given):
    with pytest.raises(DataError, match=f"must be a PIL image, got {type(given).__name__}"):
        as_shown(given)


@pytest.mark.parametrize("given", [b"", "empty.png"])
def test_an_empty_file_is_refused(given, tmp_path):
    (tmp_path / "empty.png").touch()
    source = given if given == b"" else tmp_path / given
    with pytest.raises(DataError, match=r"is empty$"):
        open_image(source)


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path, match in [
        (tmp_path / "pipe.png", r"pipe\.png is a device or a pipe; an image must be a regular"),
        ("/dev/zero", "^/dev/zero is a device or a pipe"),
        (tmp_path, "is a folder; an image must be a regular file"),
        (tmp_path / "absent.png", r"^no such file or directory: .*absent\.png"),
        (tmp_path / "pipe.png" / "x.png", r"^not a directory: .*x\.png"),
        ("zero\0byte.png", "^embedded null byte: zero"),
    ]:
        with pytest.raises(DataError, match=match):
            open_image(path)


@pytest.mark.parametrize("kind", ["EPS", "PCX", "TGA", "SGI", "PDF"])
def test_formats_that_are_not_listed_are_refused(kind):
    data = saved(Image.new("RGB", (20, 10)), kind)
    with pytest.raises(DataError, match=r"^x is no image, or its .* read are PNG, JPEG, WEBP, "):
        open_image(data, name="x")


@pytest.mark.parametrize("data", [b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"8BPS" * 9])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(DataError, match=r"^the image is (no image|corrupt)"):
        open_image(data)


def test_the_name_is_the_callers_or_the_path(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("hello")
    with pytest.raises(DataError, match=r"note\.txt is no image"):
        open_image(path)
    with pytest.raises(DataError, match=r"^row 17 is no image"):
        open_image(path, name="row 17")
    with path.open("rb") as file, pytest.raises(DataError, match=r"^the image is no image"):
        open_image(file)
