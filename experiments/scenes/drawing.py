"""Pixels of a scene: backgrounds, shape masks, handwritten digits and words on plates."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Mask = NDArray[np.float32]
Pixels = NDArray[np.float32]

_OVERSAMPLE = 4


def _polygon(points: list[tuple[float, float]], side: int) -> list[tuple[float, float]]:
    return [(x * side, y * side) for x, y in points]


def _coverage(image: Image.Image) -> Mask:
    """Return a grey picture as values in [0, 1]."""
    values: Mask = np.divide(np.asarray(image), 255, dtype=np.float32)
    return values


def _star(side: int) -> list[tuple[float, float]]:
    radii = [0.5, 0.21] * 5
    angles = -np.pi / 2 + np.arange(10) * np.pi / 5
    return [
        (side * (0.5 + r * np.cos(a)), side * (0.52 + r * np.sin(a)))
        for r, a in zip(radii, angles, strict=True)
    ]


@cache
def shape_mask(kind: str, side: int) -> Mask:
    """Return the coverage of one shape, shape [side, side], values in [0, 1].

    Args:
        kind: a name of ``vocabulary.SHAPES``.
        side: pixels.

    Raises:
        ValueError: if ``kind`` is unknown.
    """
    big = side * _OVERSAMPLE
    image = Image.new("L", (big, big), 0)
    draw = ImageDraw.Draw(image)
    box = (0, 0, big - 1, big - 1)
    if kind == "circle":
        draw.ellipse(box, fill=255)
    elif kind == "square":
        draw.rectangle((big * 0.06, big * 0.06, big * 0.94, big * 0.94), fill=255)
    elif kind == "triangle":
        draw.polygon(_polygon([(0.5, 0.02), (1.0, 0.96), (0.0, 0.96)], big), fill=255)
    elif kind == "cross":
        draw.rectangle((big * 0.34, 0, big * 0.66, big), fill=255)
        draw.rectangle((0, big * 0.34, big, big * 0.66), fill=255)
    elif kind == "ring":
        draw.ellipse(box, fill=255)
        draw.ellipse((big * 0.26, big * 0.26, big * 0.74, big * 0.74), fill=0)
    elif kind == "diamond":
        draw.polygon(_polygon([(0.5, 0), (0.92, 0.5), (0.5, 1), (0.08, 0.5)], big), fill=255)
    elif kind == "star":
        draw.polygon(_star(big), fill=255)
    elif kind == "moon":
        draw.ellipse(box, fill=255)
        draw.ellipse((big * 0.34, -big * 0.06, big * 1.24, big * 0.84), fill=0)
    else:
        raise ValueError(f"no shape is called {kind!r}")
    return _coverage(image.resize((side, side), Image.Resampling.BOX))


@cache
def word_mask(word: str, height: int) -> Mask:
    """Return the ink of a word, trimmed to its width, shape [height, width], values in [0, 1]."""
    font = ImageFont.load_default(height)
    left, top, right, bottom = font.getbbox(word)
    width = int(right - left) + 1
    image = Image.new("L", (width, height), 0)
    offset = round((height - (bottom - top)) / 2 - top)
    ImageDraw.Draw(image).text((-round(left), offset), word, fill=255, font=font)
    return _coverage(image)


def digit_mask(pixels: NDArray[np.float64], side: int, rng: np.random.Generator) -> Mask:
    """Return a handwritten digit, slightly turned, sheared and scaled, shape [side, side].

    Args:
        pixels: an 8x8 digit of scikit-learn's set, values 0..16.
        side: pixels.
        rng: draws the distortion.
    """
    image = Image.fromarray(np.clip(pixels * 16, 0, 255).astype(np.uint8))
    turn, shear = rng.uniform(-0.22, 0.22), rng.uniform(-0.15, 0.15)
    # The handwriting fills its 8x8 pixels: turned and sheared, it needs a margin not to be cut.
    zoom = 8 / side * rng.uniform(1.12, 1.28)
    a, b = zoom * np.cos(turn), zoom * (np.sin(turn) + shear)
    d, e = -zoom * np.sin(turn), zoom * np.cos(turn)
    centre = side / 2
    c, f = 4 - a * centre - b * centre, 4 - d * centre - e * centre
    drawn = image.transform(
        (side, side), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC
    )
    strength = np.float32(rng.uniform(1.0, 1.4))
    ink: Mask = np.clip(_coverage(drawn) * strength, 0, 1)
    return ink


@cache
def _photographs() -> tuple[NDArray[np.uint8], ...]:
    from sklearn.datasets import load_sample_images

    return tuple(load_sample_images().images)


def background(kind: str, night: bool, size: int, rng: np.random.Generator) -> Pixels:
    """Return a muted background, shape [size, size, 3], values 0..255.

    Photographs are scikit-learn's two sample images; a random window of random size is taken.
    """
    if kind in ("temple", "flower"):
        photo = _photographs()[0 if kind == "temple" else 1]
        window = int(rng.integers(160, 380))
        top = int(rng.integers(0, photo.shape[0] - window))
        left = int(rng.integers(0, photo.shape[1] - window))
        cut = Image.fromarray(photo[top : top + window, left : left + window])
        picture = np.asarray(cut.resize((size, size), Image.Resampling.BOX), np.float32)
        picture = 128 + (picture - picture.mean()) * 0.55
    else:
        picture = _texture(kind, size, rng)
    level = rng.uniform(35, 60) if night else rng.uniform(165, 200)
    contrast = 0.45 if night else 1.0
    muted: Pixels = np.clip(level + (picture - 128) * contrast, 0, 255).astype(np.float32)
    return muted


def _texture(kind: str, size: int, rng: np.random.Generator) -> Pixels:
    tint = rng.uniform(-14, 14, 3)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    period = rng.uniform(7, 14)
    x, y = x + rng.uniform(0, 20), y + rng.uniform(0, 20)
    if kind == "stripes":
        wave = np.sign(np.sin((x if rng.random() < 0.5 else y) * 2 * np.pi / period))
    elif kind == "checks":
        wave = np.sign(np.sin(x * np.pi / period) * np.sin(y * np.pi / period))
    elif kind == "dots":
        near = (x % period - period / 2) ** 2 + (y % period - period / 2) ** 2
        wave = np.where(near < (period * 0.27) ** 2, 1.6, -0.4)
    else:
        wave = np.zeros_like(x)
    return np.asarray(128 + wave[..., None] * rng.uniform(14, 22) + tint, np.float32)


def clutter(canvas: Pixels, count: int, rng: np.random.Generator) -> None:
    """Draw ``count`` faint short strokes into ``canvas``, in place."""
    size = canvas.shape[0]
    for _ in range(count):
        y, x = rng.integers(0, size - 10, 2)
        length, shade = int(rng.integers(4, 10)), rng.uniform(-40, 40)
        if rng.random() < 0.5:
            canvas[y, x : x + length] += shade
        else:
            canvas[y : y + length, x] += shade


def blend(canvas: Pixels, mask: Mask, colour: Pixels, left: int, top: int) -> None:
    """Blend ``colour`` into ``canvas`` where ``mask`` covers, in place, cut at the borders."""
    size = canvas.shape[0]
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + mask.shape[0], size), min(left + mask.shape[1], size)
    if y0 >= y1 or x0 >= x1:
        return
    cover = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
    canvas[y0:y1, x0:x1] += cover * (colour - canvas[y0:y1, x0:x1])
