"""Pictures as a viewer shows them: any image file or PIL image in, plain RGB out.

Decided here once, for every place where an image enters:

- the orientation of EXIF (or XMP) is applied;
- what is transparent is laid on white, be it an alpha channel, a palette's or one key colour;
- of an animation the first frame is shown;
- 16-bit grey is brought to 8 bits, where Pillow's own conversion would cut everything above 255;
- CMYK goes through its own colour profile if it has a valid one. Profiles of RGB and grey are not
  applied: models are trained on, and compared by, the values as they stand in the file.

An image that is RGB already, without orientation, comes out as it came in, to the bit.
"""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import IO, Any

from PIL import Image, ImageFile, UnidentifiedImageError

from budget.deep_grey import from_deep_grey
from budget.errors import DataError

# Formats whose decoders are read from strangers; Pillow knows more, some run other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "ICO", "AVIF", "JPEG2000")
MAX_PIXELS = 100_000_000  # 400 MB as Pillow holds RGB
MAX_SIDE = 65_535  # the longest that a JPEG can have; padding to a square costs its square
MAX_BYTES = 1_000_000_000  # WebP and AVIF files are read whole

Source = str | os.PathLike[str] | bytes | IO[bytes]

_ORIENTATION = 0x0112
_STDERR = Lock()
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = 5  # from here on EXIF's orientations exchange width and height
_METADATA = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")


class TooManyPixels(DataError):
    """An image that is larger than is decoded, known from its header."""


def image_size(
    source: Source, *, name: str = "the image", max_pixels: int = MAX_PIXELS
) -> tuple[int, int]:
    """Return width and height that an image file's header states, without decoding it.

    Args:
        source: as :func:`open_image` takes it.
        name: what errors call the image.
        max_pixels: the most pixels to allow, up to ``MAX_PIXELS``.

    Raises:
        TooManyPixels: if the image is larger than allowed.
        DataError: if there is no such file, or it is no image of ``FORMATS``.
    """
    with _decoding(name), _opened(source, name) as file:
        image = Image.open(file, formats=_formats())
        _check_size(image, name, max_pixels)
        width, height = image.size
        return width, height


def open_image(
    source: Source, *, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Read an image file.

    Args:
        source: a path, the file's bytes, or a file opened for reading bytes.
        name: what errors call the image; by default its path, or ``"the image"``.
        max_pixels: the most pixels to allow, up to ``MAX_PIXELS``.

    Returns:
        An RGB image, decoded, with its file closed.

    Raises:
        TooManyPixels: if it is larger than ``max_pixels`` or ``MAX_SIDE`` allow.
        DataError: if there is no such file, it is no regular file, is empty, is no image of
            ``FORMATS``, is corrupt or cut off, or is larger than ``MAX_BYTES``, ``MAX_PIXELS`` or
            ``MAX_SIDE`` allow. Sizes are checked before anything is decoded.
    """
    name = name or name_of(source)
    with opened_image(source, name=name, max_pixels=max_pixels) as image:
        return as_shown(image, name=name)


@contextmanager
def opened_image(
    source: Source, *, name: str, max_pixels: int = MAX_PIXELS
) -> Iterator[ImageFile.ImageFile]:
    """Open an image file whose header is in order; nothing is decoded yet.

    What goes wrong while it is open, in decoding too, is raised as :func:`open_image` does.

    Args:
        source: as :func:`open_image` takes it.
        name: what errors call the image.
        max_pixels: the most pixels to allow, up to ``MAX_PIXELS``.
    """
    with _decoding(name), _opened(source, name) as file:
        image = Image.open(file, formats=_formats())
        _check_size(image, name, max_pixels)
        _check_end(image)
        yield image


def name_of(source: Source) -> str:
    """Return what errors call a source: its path, or ``"the image"``."""
    return str(source) if isinstance(source, str | os.PathLike) else "the image"


def open_draft(
    source: Source, side: int, *, name: str = "the image"
) -> tuple[Image.Image, tuple[int, int]]:
    """Read an image file, a JPEG at the smallest scale that still is ``side`` pixels each way.

    Args:
        source: as :func:`open_image` takes it.
        side: pixels that width and height must keep, where the image has them.
        name: what errors call the image.

    Returns:
        An RGB image as :func:`as_shown` shows it, and the width and height that it has in full.

    Raises:
        DataError: as :func:`open_image` does.
    """
    with _decoding(name), _opened(source, name) as file:
        image = Image.open(file, formats=_formats())
        _check_size(image, name)
        _check_end(image)
        width, height = image.size
        if _orientation(image) >= _LYING:
            width, height = height, width
        drafted = image.draft(None, (side, side)) is not None
        shown = as_shown(image, name=name)
        return shown, (width, height) if drafted else shown.size


def as_shown(image: Image.Image, *, name: str | None = None) -> Image.Image:
    """Return a PIL image of any mode as a viewer would show it; itself if that is what it is.

    Args:
        image: an image that somebody else opened, read or not, or made.
        name: what errors call the image; by default its file's name, or ``"the image"``.

    Returns:
        An RGB image, decoded.

    Raises:
        DataError: if it cannot be decoded, has no pixels, has more than ``MAX_PIXELS`` or
            ``MAX_SIDE`` allow, or has values that do not say what is black and what is white.

    Example:
        >>> half = Image.new("RGBA", (1, 1), (255, 0, 0, 0))
        >>> as_shown(half).getpixel((0, 0))
        (255, 255, 255)
    """
    name = name or str(getattr(image, "filename", None) or "the image")
    if not isinstance(image, Image.Image):
        raise DataError(f"{name} must be a PIL image, got {type(image).__name__}")
    if _is_plain(image):
        _check_size(image, name)
        return image
    with _decoding(name):
        _check_size(image, name)
        _fit_key(image)
        with _muted(image):
            image.load()
        _check_size(image, name)  # an icon's true size is known only now
        turn = _UPRIGHT.get(_orientation(image))
        shown = _to_rgb(image, name)
        if turn is None:
            return shown
        shown = shown.transpose(turn)
        for key in _METADATA:  # or it would be turned again
            shown.info.pop(key, None)
        return shown


def _is_plain(image: Image.Image) -> bool:
    """Return whether an image is RGB in memory that says nothing else about itself."""
    in_memory = type(image) is Image.Image and image.mode == "RGB" and not image.info
    return in_memory and _orientation(image) not in _UPRIGHT


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@contextmanager
def _muted(image: Image.Image) -> Iterator[None]:
    """Keep libtiff from writing to stderr; it does so by itself, all other decoders are silent."""
    if image.format != "TIFF":
        yield
        return
    with _STDERR:  # or two threads would restore each other's silence
        try:
            stderr = os.dup(2)
        except OSError:  # closed, so nothing is written
            yield
            return
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on broken data into one error that names the image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bad metadata is no reason to refuse or to speak
        try:
            yield
        except DataError:
            raise
        except UnidentifiedImageError:
            legal = ", ".join(_formats())
            raise DataError(
                f"{name} is no image, or its header is corrupt; read are {legal}"
            ) from None
        except Image.DecompressionBombError:
            raise TooManyPixels(
                f"{name} has more than {MAX_PIXELS:,} pixels, the most allowed"
            ) from None
        except Exception as problem:  # decoders raise a dozen kinds, from struct.error to KeyError
            reason = " ".join(str(problem).split()) or type(problem).__name__
            raise DataError(f"{name} is corrupt or cut off: {reason}") from problem


def _opened(source: Source, name: str) -> Any:
    """Return the source as a context with an open file, none of which can block."""
    if isinstance(source, bytes):
        if not source:
            raise DataError(f"{name} is empty")
        return BytesIO(source)
    if not isinstance(source, str | os.PathLike):
        return nullcontext(source)
    try:
        about = Path(source).stat()
        if not stat.S_ISREG(about.st_mode):  # a named pipe would be waited for
            kind = "a folder" if stat.S_ISDIR(about.st_mode) else "a device or a pipe"
            raise DataError(f"{name} is {kind}; an image must be a regular file")
        if not about.st_size:
            raise DataError(f"{name} is empty")
        if about.st_size > MAX_BYTES:
            raise DataError(
                f"{name} has {about.st_size:,} bytes; at most {MAX_BYTES:,} are allowed"
            )
        return Path(source).open("rb")
    except (OSError, ValueError) as problem:  # ValueError: a path with a zero byte
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DataError(f"{reason[0].lower()}{reason[1:]}: {name}") from None


def _check_size(image: Image.Image, name: str, max_pixels: int = MAX_PIXELS) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise DataError(f"{name} has no pixels, it is {width} x {height}")
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise TooManyPixels(
            f"{name} is {width} x {height}; allowed are at most {max_pixels:,} pixels "
            f"and {MAX_SIDE:,} a side"
        )


def _check_end(image: ImageFile.ImageFile) -> None:
    """Refuse a JPEG 2000 file without end marker; cut before its pixels it comes out black."""
    if image.format == "JPEG2000" and image.fp is not None:
        place = image.fp.tell()
        image.fp.seek(0)
        if b"\xff\xd9" not in image.fp.read():
            raise EOFError("the end marker is missing")
        image.fp.seek(place)


def _fit_key(image: Image.Image) -> None:
    """Bring the key colour of a PNG, not yet decoded, to the 8 bits that its pixels will have."""
    key, tiles = image.info.get("transparency"), getattr(image, "tile", ())
    if image.format != "PNG" or not tiles or key is None:
        return
    match tiles[0][3]:
        case "L;2":
            image.info["transparency"] = key * 85
        case "L;4":
            image.info["transparency"] = key * 17
        case "RGB;16B":
            image.info["transparency"] = tuple(value >> 8 for value in key)


def _orientation(image: Image.Image) -> int:
    """Return how EXIF says the image is turned, 1 where it says nothing that makes sense."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # corrupt EXIF raises as many kinds as corrupt pixels
        return 1


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    key = image.info.get("transparency")
    # Pillow copies the key along when it converts; then it no longer tells one colour from the
    # others. It holds for the image that was read, and for palettes, whose key is an index.
    if image.format is None and image.mode != "P":
        key = None
    if image.mode == "F" or image.mode.startswith("I"):
        return from_deep_grey(image, key, name)
    if image.mode == "CMYK":
        return _from_cmyk(image)
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa")
    if has_alpha or key is not None or (image.mode == "P" and image.has_transparency_data):
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")  # from here to RGBA Pillow would lose the alpha channel
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    shown = Image.new("RGB", image.size, "white")
    shown.paste(image, mask=image)
    return shown


def _from_cmyk(image: Image.Image) -> Image.Image:
    if profile := image.info.get("icc_profile"):
        from PIL import ImageCms

        try:
            inks = ImageCms.ImageCmsProfile(BytesIO(profile))
            screen = ImageCms.createProfile("sRGB")
            shown = ImageCms.profileToProfile(image, inks, screen, outputMode="RGB")
            if shown is not None:
                return shown
        except Exception:  # a profile that is broken, or of other colours, counts as none
            pass
    return image.convert("RGB")
