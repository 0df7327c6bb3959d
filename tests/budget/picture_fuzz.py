"""Mutates image files and reads each; run by test_picture_fuzz.py in a process of its own.

    python picture_fuzz.py SEED COUNT

Prints, for every mutated file, its number and format before it is read, and behind it "image" or
"refused" and the seconds it took; last by how much its memory grew. Anything but an RGB image
or an error that names the file ends the run.
"""

import logging
import random
import sys
import time
from io import BytesIO

import numpy as np
from peak_memory import peak_bytes
from PIL import Image

from budget.errors import DataError
from budget.pictures import open_image

SIZE = (23, 17)


def noise(mode):
    rng = np.random.default_rng(0)
    depth = {"RGB": 3, "RGBA": 4, "CMYK": 4}.get(mode)
    pixels = rng.integers(0, 256, (SIZE[1], SIZE[0], depth or 1), dtype=np.uint8)
    return Image.fromarray(pixels if depth else pixels[..., 0], mode=None).convert(mode)


def saved(image, kind, **options):
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def seeds():
    """Return one file per format and variant, named."""
    rgb, rgba, grey = noise("RGB"), noise("RGBA"), noise("L")
    cmyk = Image.fromarray(np.asarray(rgba), "RGBA").convert("RGB").convert("CMYK")
    palette = rgb.quantize(16)
    deep = Image.fromarray(np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE[::-1]) * 150)
    turned = Image.Exif()
    turned[0x0112] = 6
    frames = {"save_all": True, "append_images": [rgb.rotate(90, expand=True).resize(SIZE)]}
    return {
        "png": saved(rgb, "PNG"),
        "png alpha": saved(rgba, "PNG", exif=turned),
        "png palette": saved(palette, "PNG", transparency=bytes(range(0, 256, 16))),
        "png 16 bit": saved(deep, "PNG"),
        "png animated": saved(rgb, "PNG", **frames),
        "jpeg": saved(rgb, "JPEG", exif=turned),
        "jpeg progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg cmyk": saved(cmyk, "JPEG", icc_profile=b"no profile"),
        "mpo": saved(rgb, "MPO", **frames),
        "webp": saved(rgb, "WEBP"),
        "webp alpha": saved(rgba, "WEBP", lossless=True, exif=turned),
        "webp animated": saved(rgb, "WEBP", **frames),
        "gif": saved(palette, "GIF", transparency=3),
        "gif animated": saved(rgb, "GIF", **frames),
        "bmp": saved(rgb, "BMP"),
        "bmp palette": saved(palette, "BMP"),
        "dib": saved(rgb, "DIB"),
        "tiff": saved(rgb, "TIFF", exif=turned),
        "tiff lzw": saved(rgba, "TIFF", compression="tiff_lzw"),
        "tiff jpeg": saved(rgb, "TIFF", compression="jpeg"),
        "tiff 16 bit": saved(deep, "TIFF", compression="tiff_deflate"),
        "tiff pages": saved(cmyk, "TIFF", save_all=True, append_images=[grey]),
        "ppm": saved(rgb, "PPM"),
        "pgm 16 bit": saved(deep.convert("I"), "PPM"),
        "pbm": saved(grey.convert("1"), "PPM"),
        "ico": saved(rgba, "ICO", sizes=[(16, 16), SIZE]),
        "ico bmp": saved(rgba, "ICO", sizes=[SIZE], bitmap_format="bmp"),
        "avif": saved(rgba, "AVIF"),
        "jp2": saved(rgba, "JPEG2000"),
        "j2k": saved(grey, "JPEG2000", no_jp2=True),
    }


def flip(data, dice):
    out = bytearray(data)
    for _ in range(dice.choice((1, 2, 8, 40))):
        out[dice.randrange(len(out))] = dice.randrange(256)
    return bytes(out)


def spoil_header(data, dice):
    out = bytearray(data)
    for _ in range(dice.choice((1, 3))):
        at = dice.randrange(min(len(out), 80))
        out[at : at + 4] = dice.choice(
            (b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\xff\xff")
        )
    return bytes(out)


def cut(data, dice):
    return data[: dice.randrange(1, len(data))]


def double(data, dice):
    start, stop = sorted(dice.sample(range(len(data) + 1), 2))
    return data[:stop] + data[start:]


def drop(data, dice):
    start, stop = sorted(dice.sample(range(len(data) + 1), 2))
    return data[:start] + data[min(stop, start + 40) :] or data


def swap(data, dice):
    a, b, c = sorted(dice.sample(range(len(data) + 1), 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def splice(data, dice, other=b""):
    return data[: dice.randrange(1, len(data))] + other[dice.randrange(len(other)) :]


MUTATIONS = (flip, flip, flip, spoil_header, spoil_header, cut, double, drop, swap, splice)


def mutated(seed, number, files):
    """Return the format and the content of one mutated file; each is reproducible by itself."""
    dice = random.Random(f"{seed} {number}")
    names = list(files)
    name = names[number % len(names)]
    mutation = dice.choice(MUTATIONS)
    more = {"other": files[dice.choice(names)]} if mutation is splice else {}
    return f"{name}, {mutation.__name__}", mutation(files[name], dice, **more)


def read(data, name):
    """Return what became of a file.

    Raises:
        AssertionError: if it is neither an RGB image nor refused by its name in one line.
    """
    problem = ""
    try:
        image = open_image(data, name=name)
    except DataError as refusal:
        problem = str(refusal)
    if problem:
        assert problem.startswith(name), problem
        assert "\n" not in problem, problem
        return "refused"
    assert image.mode == "RGB", image.mode
    assert len(image.tobytes()) == 3 * image.width * image.height
    return "image"


def main():
    seed, count = map(int, sys.argv[1:])
    files = seeds()
    # Pillow also logs what is wrong with a file; where that goes is for the application to say.
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    before = peak_bytes()
    for number in range(count):
        what, data = mutated(seed, number, files)
        sys.stdout.write(f"{number}: {what}: ")
        sys.stdout.flush()
        start = time.perf_counter()
        outcome = read(data, f"file-{number}")
        sys.stdout.write(f"{outcome}: {time.perf_counter() - start:.3f}\n")
    sys.stdout.write(f"grown MB: {(peak_bytes() - before) // 2**20}\n")


if __name__ == "__main__":
    main()
