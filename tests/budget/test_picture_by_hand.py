"""Files that Pillow reads but does not write, made byte by byte."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from budget.pictures import open_image


def png(width, depth, colour_type, row, transparent):
    """Return a PNG of one row with a key colour."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"tRNS", transparent), (b"IDAT", zlib.compress(b"\0" + row))]
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, data in [*chunks, (b"IEND", b"")]:
        parts.append(struct.pack(">I", len(data)) + kind + data)
        parts.append(struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


@pytest.mark.parametrize(
    ("depth", "row", "key", "expected"),
    [
        (1, bytes([0b01_000000]), 0, [255, 255]),
        (1, bytes([0b01_000000]), 1, [0, 255]),
        (2, bytes([0b0110_0000]), 1, [255, 170]),
        (4, bytes([0x3C]), 3, [255, 204]),
        (4, bytes([0x3C]), 12, [51, 255]),
        (8, bytes([3, 12]), 12, [3, 255]),
        (16, struct.pack(">HH", 1285, 1286), 1285, [255, 5]),
    ],
)
def test_a_transparent_grey_of_any_depth_is_white(depth, row, key, expected):
    shown = open_image(png(2, depth, 0, row, struct.pack(">H", key)))
    assert np.asarray(shown)[0].tolist() == [[value] * 3 for value in expected]


def test_a_transparent_colour_of_16_bits_is_white():
    colours = (0x0A80, 0x1480, 0x1E80), (0x8000, 0x0980, 0x0880)
    row = struct.pack(">6H", *colours[0], *colours[1])
    shown = open_image(png(2, 16, 2, row, struct.pack(">3H", *colours[0])))
    assert np.asarray(shown)[0].tolist() == [[255, 255, 255], [0x80, 0x09, 0x08]]


def cmyk_profile():
    """Return a printer's profile in which cyan ink is red, and all others black."""
    paper, red, black = (255, 128, 128), (136, 208, 195), (0, 128, 128)  # L, a, b in 8 bits
    # Two points per ink, the first ink varies slowest.
    grid = [paper] + [black] * 7 + [red] + [black] * 7
    identity = struct.pack(">9i", *(65_536 * (i % 4 == 0) for i in range(9)))
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4
    table += b"".join(map(bytes, grid)) + ramp * 3
    size = 128 + 4 + 12 + len(table)
    header = struct.pack(">II", size, 0) + b"\x02\x40\0\0prtrCMYKLab " + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63_190, 65_536, 54_061)  # D50
    return (
        header.ljust(128, b"\0")
        + struct.pack(">I4sII", 1, b"A2B0", size - len(table), len(table))
        + table
    )


def cmyk_jpeg(profile=None):
    file = io.BytesIO()
    inks = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    inks.save(file, "JPEG", quality=95, **({"icc_profile": profile} if profile else {}))
    assert b"Adobe" in file.getvalue()[:1000]  # so its values are stored upside down
    return file.getvalue()


def test_adobe_cmyk_is_not_upside_down():
    assert np.abs(np.asarray(open_image(cmyk_jpeg()), int) - (0, 255, 255)).max() < 6


def test_cmyk_goes_through_its_profile():
    assert ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile())).profile.xcolor_space == "CMYK"
    shown = open_image(cmyk_jpeg(cmyk_profile()))
    assert np.abs(np.asarray(shown, int) - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("profile", [b"no profile", cmyk_profile()[:300]])
def test_a_broken_profile_counts_as_none(profile):
    assert open_image(cmyk_jpeg(profile)).tobytes() == open_image(cmyk_jpeg()).tobytes()


def test_a_profile_of_other_colours_counts_as_none():
    screen = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert open_image(cmyk_jpeg(screen)).tobytes() == open_image(cmyk_jpeg()).tobytes()


def test_a_profile_of_rgb_is_left_alone():
    file = io.BytesIO()
    odd = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    Image.new("RGB", (4, 4), (10, 200, 30)).save(file, "PNG", icc_profile=odd)
    assert open_image(file.getvalue()).getpixel((0, 0)) == (10, 200, 30)
