"""Small copies of pictures inside the page, within a number of bytes."""

from base64 import b64encode
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


class Album:
    """Pictures of a run's samples, read and made small once, whoever asks.

    Args:
        samples: of the run; None has no pictures.
    """

    def __init__(self, samples: "Samples | None") -> None:
        self._samples = samples
        self._read: dict[int, Pictures] = {}
        self._links: dict[tuple[int, int], tuple[str, ...]] = {}

    def pictures(self, row: int) -> Pictures:
        """Return the images of one sample; what cannot be read is said in their place."""
        if self._samples is None:
            return Pictures(())
        if row not in self._read:
            self._read[row] = _pictures(self._samples, row)
        return self._read[row]

    def links(self, row: int, size: tuple[int, int]) -> tuple[str, ...]:
        """Return thumbnails of one sample's images as data URIs of WebP.

        Args:
            row: of the sample.
            size: pixels of the longest side, at most, and WebP's quality from 0 to 100.
        """
        key = row, size[0]
        if key not in self._links:
            self._links[key] = tuple(_link(each, *size) for each in self.pictures(row).images)
        return self._links[key]


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


def _link(image: "Image", side: int, quality: int) -> str:
    if max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side))
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"
