import io
import os

import numpy as np
import pytest
from PIL import Image

from budget import pictures
from budget.errors import DataError
from budget.pictures import as_shown, open_image

LOSSLESS = {
    "PNG": {},
    "WEBP": {"lossless": True},
    "BMP": {},
    "DIB": {},
    "TIFF": {},
    "PPM": {},
    "ICO": {"sizes": [(7, 5)]},
    "JPEG2000": {},
}
LOSSY = {"JPEG": {"quality": 95}, "AVIF": {"quality": 95}, "GIF": {}, "MPO": {}}


def noise(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def values(image):
    assert image.mode == "RGB"
    return np.asarray(image).reshape(-1, 3).tolist()


@pytest.mark.parametrize("kind", LOSSLESS)
def test_rgb_comes_through_to_the_bit(kind, tmp_path):
    image = noise(7, 5)
    (tmp_path / "x").write_bytes(saved(image, kind, **LOSSLESS[kind]))
    for source in (tmp_path / "x", str(tmp_path / "x"), (tmp_path / "x").read_bytes()):
        assert values(open_image(source)) == values(image)
    with (tmp_path / "x").open("rb") as file:
        assert values(open_image(file)) == values(image)


@pytest.mark.parametrize("kind", ["PNG", "JPEG2000"])
def test_a_stream_that_cannot_seek_is_read(kind):
    image, (out, into) = noise(7, 5), os.pipe()
    with open(into, "wb") as end:
        end.write(saved(image, kind))
    with open(out, "rb") as stream:
        assert values(open_image(stream)) == values(image)


def test_plain_rgb_is_not_copied():
    image = noise(7, 5)
    assert as_shown(image) is image


@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("size", [(1, 1), (200, 1), (1, 200)])
def test_one_pixel_and_thin_images(kind, size):
    if kind == "ICO":
        shown = open_image(saved(Image.new("RGB", size, (200, 40, 40)), kind, sizes=[size]))
    else:
        shown = open_image(saved(Image.new("RGB", size, (200, 40, 40)), kind))
    assert shown.size == size
    assert np.abs(np.asarray(shown, int) - (200, 40, 40)).max() < 12


def test_twenty_thousand_pixels_by_one():
    assert open_image(saved(Image.new("RGB", (20_000, 1), "red"))).size == (20_000, 1)


def as_stored(upright, orientation):
    """Return the pixels of a file whose EXIF says ``orientation``, from the standard's words."""
    h, w = upright.shape[:2]
    rows, columns = np.mgrid[: (h if orientation < 5 else w), : (w if orientation < 5 else h)]
    at = {
        1: (rows, columns),  # row 0 is the top, column 0 the left
        2: (rows, w - 1 - columns),  # top, right
        3: (h - 1 - rows, w - 1 - columns),  # bottom, right
        4: (h - 1 - rows, columns),  # bottom, left
        5: (columns, rows),  # row 0 is the left, column 0 the top
        6: (columns, w - 1 - rows),  # right, top
        7: (h - 1 - columns, w - 1 - rows),  # right, bottom
        8: (h - 1 - columns, rows),  # left, bottom
    }
    return np.ascontiguousarray(upright[at[orientation]])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "MPO", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture(kind, orientation):
    corners = np.array([[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (255, 255, 255)]], np.uint8)
    upright = np.kron(corners, np.ones((16, 32, 1), np.uint8))  # 64 x 32
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"exif": exif} | ({} if kind in ("PNG", "TIFF") else {"quality": 95})
    stored = Image.fromarray(as_stored(upright, orientation))
    data = saved(stored, kind, **options)
    shown = open_image(data)
    assert shown.size == (64, 32)
    assert np.abs(np.asarray(shown, int) - upright)[8:-8:16, 8:-8:16].max() < 12
    assert as_shown(shown).size == (64, 32)  # and not once more
    assert as_shown(Image.open(io.BytesIO(data)).convert("RGB")).size == (64, 32)


def test_corrupt_exif_is_ignored():
    image = noise(8, 6)
    assert values(open_image(saved(image, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"))) == values(image)
    assert open_image(saved(image, "JPEG", exif=b"Exif\0\0MM\0*rubbish")).size == (8, 6)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (200, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 0, 0, 255), (200, 0, 0)),
        ("RGBA", (200, 0, 0, 51), (244, 204, 204)),
        ("RGBa", (40, 0, 0, 51), (244, 204, 204)),
        ("LA", (10, 0), (255, 255, 255)),
        ("LA", (10, 51), (206, 206, 206)),
        ("La", (2, 51), (206, 206, 206)),
        ("L", 10, (10, 10, 10)),
        ("1", 1, (255, 255, 255)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),
        ("HSV", (0, 255, 255), (255, 0, 0)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
    ],
)
def test_every_mode_has_its_colour(mode, colour, expected):
    assert values(as_shown(Image.new(mode, (1, 1), colour))) == [list(expected)]


def test_lab_is_converted_by_its_meaning():
    lab = Image.new("LAB", (1, 1), (255, 128, 128))
    assert np.abs(np.subtract(values(as_shown(lab)), 255)).max() <= 1


def test_palettes_with_and_without_transparency():
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    solid = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    white, half = [255] * 3, [162, 167, 172]
    assert values(open_image(saved(image))) == solid
    assert values(open_image(saved(image, transparency=1))) == [solid[0], white, solid[2]]
    assert values(open_image(saved(image, "GIF", transparency=1))) == [solid[0], white, solid[2]]
    alphas = open_image(saved(image, transparency=bytes((255, 0, 128))))
    assert values(alphas)[:2] == [solid[0], white]
    assert np.abs(np.subtract(values(alphas)[2], half)).max() <= 1
    both = image.convert("PA")
    both.putalpha(Image.new("L", (3, 1), 0))
    assert values(as_shown(both)) == [white] * 3


def test_a_key_colour_is_white_in_the_file_but_not_in_what_was_made_of_it():
    image = Image.new("RGB", (2, 1), (9, 8, 7))
    image.putpixel((1, 0), (1, 2, 3))
    data = saved(image, transparency=(1, 2, 3))
    assert values(open_image(data)) == [[9, 8, 7], [255, 255, 255]]
    made = Image.open(io.BytesIO(data)).convert("RGB")
    assert "transparency" in made.info
    assert values(as_shown(made)) == [[9, 8, 7], [1, 2, 3]]


def test_16_bit_grey_is_scaled_not_cut():
    grey = np.array([[0, 128, 129, 1285, 30_000, 65_535]], np.uint16)
    expected = [[v] * 3 for v in (0, 0, 1, 5, 117, 255)]
    assert values(open_image(saved(Image.fromarray(grey)))) == expected
    assert values(open_image(saved(Image.fromarray(grey), "TIFF"))) == expected
    assert values(open_image(saved(Image.fromarray(grey), "PPM"))) == expected
    big_endian = Image.frombytes("I;16B", (6, 1), grey.astype(">u2").tobytes())
    assert values(as_shown(big_endian)) == expected
    assert values(open_image(saved(big_endian, "TIFF"))) == expected
    assert values(as_shown(Image.fromarray(grey.astype(np.int32)))) == expected


@pytest.mark.parametrize(
    ("grey", "match"),
    [
        (np.array([[0, 65_536]], np.int32), "grey values from 0 to 65536; legal are 0 to 65535"),
        (np.array([[-1, 5]], np.int32), "grey values from -1 to 5"),
        (np.array([[0.0, 1.0]], np.float32), "floating-point values, .* legal are 8 and 16 bits"),
    ],
)
def test_grey_without_a_stated_range_is_refused(grey, match):
    with pytest.raises(DataError, match=f"^scan.tif has {match}"):
        open_image(saved(Image.fromarray(grey), "TIFF"), name="scan.tif")


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_an_animation_shows_its_first_frame(kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(data)) as file:
        assert file.n_frames == 3
    assert np.abs(np.asarray(open_image(data), int) - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("kind", [*LOSSLESS, *LOSSY])
def test_cut_anywhere_it_is_refused_or_whole(kind):
    options = {**LOSSLESS, **LOSSY}[kind] | ({"sizes": [(23, 17)]} if kind == "ICO" else {})
    data = saved(noise(23, 17), kind, **options)
    whole, refused = values(open_image(data)), 0
    for length in np.random.default_rng(0).choice(len(data), 40, replace=False):
        try:
            found = open_image(data[:length])
        except DataError:
            refused += 1
        else:
            assert values(found) == whole  # only what stands behind the pixels was lost
    assert refused > 25


def test_jpeg_2000_cut_before_its_pixels_is_refused():
    data = saved(Image.new("RGB", (32, 16), "white"), "JPEG2000", no_jp2=True)
    cut = data[: data.index(b"\xff\x90\0\x0a") + 2]  # inside the first tile's header
    with Image.open(io.BytesIO(cut)) as black:
        assert black.getpixel((0, 0)) == (0, 0, 0)  # Pillow is content
    with pytest.raises(DataError, match=r"cut off: the end marker is missing$"):
        open_image(cut)


def test_a_lazily_opened_file_is_named_when_it_turns_out_to_be_cut(tmp_path):
    path = tmp_path / "cut.png"
    path.write_bytes(saved(noise(64, 64))[:5000])
    with Image.open(path) as image, pytest.raises(DataError, match=r"cut\.png is corrupt or cut"):
        as_shown(image)


def test_libtiff_does_not_speak(capfd):
    data = saved(noise(23, 17), "TIFF", compression="tiff_lzw")
    with pytest.raises(DataError, match="corrupt or cut off"):
        open_image(data[:60] + b"\xff" * 500 + data[560:])
    os.write(2, b"still open")
    assert capfd.readouterr().err == "still open"


def test_an_error_of_any_kind_is_one_line(monkeypatch):
    def fail(*_, **__):
        raise KeyError("a\nb")

    monkeypatch.setattr(pictures.Image, "open", fail)
    with pytest.raises(DataError, match=r"^x\.png is corrupt or cut off: 'a\\nb'$"):
        open_image(b"...", name="x.png")
