"""Small copies of pictures inside the page, within a number of bytes."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from budget.errors import DataError
from budget.pictures import as_shown

if TYPE_CHECKING:
    from PIL.Image import Image

    from experiments.report.runs import Samples

# Longest side in pixels, and WebP's quality; the first of which all fit into the page is taken.
SIZES = ((384, 80), (288, 75), (224, 72), (160, 68), (112, 62), (80, 55))
MOST_IMAGES = 4


class Pictures(NamedTuple):
    """What is shown of one sample's images.

    Attributes:
        images: the first of them, no larger than the largest thumbnail.
        more: how many more the sample has.
        problem: why they cannot be shown; empty where they can.
    """

    images: tuple["Image", ...]
    more: int = 0
    problem: str = ""


def read_pictures(samples: "Samples", rows: Sequence[int]) -> dict[int, Pictures]:
    """Return the images of some samples, by row; what cannot be read is said in its place."""
    return {row: _pictures(samples, row) for row in rows}


def _pictures(samples: "Samples", row: int) -> Pictures:
    try:
        images = samples.images(row)
        shown = tuple(_smaller(each) for each in images[:MOST_IMAGES])
    except (DataError, OSError, ValueError) as problem:
        # One broken file must not cost the report; it is said where the picture would be.
        return Pictures((), 0, str(problem) or type(problem).__name__)
    return Pictures(shown, len(images) - len(shown))


def _smaller(image: "Image") -> "Image":
    """Return a copy in RGB within the largest thumbnail; a picture is never made larger."""
    copy = as_shown(image, name="the image").copy()
    copy.thumbnail((SIZES[0][0],) * 2)
    return copy


def links_of(pictures: Pictures, side: int, quality: int) -> tuple[str, ...]:
    """Return thumbnails of one sample's images as data URIs of WebP.

    Args:
        pictures: the images.
        side: pixels of the longest side, at most.
        quality: of WebP, from 0 to 100.
    """
    return tuple(_link(image, side, quality) for image in pictures.images)


def _link(image: "Image", side: int, quality: int) -> str:
    if max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
