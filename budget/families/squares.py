"""The knob of models that cut an image of any shape into squares, one visual token each.

Their processors bring an image to a grid of whole squares that is about as large as a cap allows,
and look at the squares they get only afterwards: a small image is enlarged past the cap, a strip
one square high may be as long as it likes, and beyond 200 to 1 an image is refused. A cap that is
not kept is no cap, so where a processor goes beyond it, the image is brought to the largest grid
within the cap here, and the processor only reads it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from budget.families.seen import Seen, see
from budget.pictures import as_shown

RATIO = 200  # of the sides, at most; what the processors take, and the models were trained on
_CAPS = (64, 128, 256, 512, 1024, 2048, 4096)


def doubling(most: int) -> tuple[int, ...]:
    """Return caps from 64 tokens on, each twice the one before, up to a checkpoint's own.

    Rungs above what an image costs at its own size coincide, and coinciding rungs are run once.

    Args:
        most: visual tokens that the checkpoint spends on an image at most.

    Example:
        >>> doubling(1280)
        (64, 128, 256, 512, 1024, 1280)
    """
    return (*(cap for cap in _CAPS if cap < most), most)


def largest_grid(size: tuple[int, int], cap: int) -> tuple[int, int]:
    """Return the columns and rows of the largest grid in the shape of an image.

    Args:
        size: width and height of the image.
        cap: squares at most.

    Example:
        >>> largest_grid((640, 480), 64)
        (9, 6)
        >>> largest_grid((2000, 20), 64)  # a row of 64, where 80 would be 100 to 1
        (64, 1)
    """
    width, height = size
    columns = max(math.floor(math.sqrt(cap * width / height)), 1)
    rows = max(math.floor(math.sqrt(cap * height / width)), 1)
    return min(columns, cap, RATIO * rows), min(rows, cap, RATIO * columns)


@dataclass(frozen=True, slots=True)
class SquaresKnob:
    """A knob of the image processor, kept where the processor itself would not.

    Any cap of one token or more can be kept.

    Attributes:
        name: as users of the model know it.
        ladder: default caps.
        processor: of the model.
        token_id: of the placeholder.
        side: pixels along a side of the square behind one visual token.
        sized_kwargs: keyword arguments of the image processor for a cap and an image's size.
        note: what users must know of it.
    """

    name: str
    ladder: tuple[int, ...]
    processor: Any
    token_id: int
    side: int
    sized_kwargs: Callable[[int, tuple[int, int]], dict[str, Any]]
    note: str = ""

    def check(self, scale: int) -> None:
        """Refuse a cap that cannot be kept."""
        if scale < 1:
            raise ValueError(f"a scale must be at least 1 visual token, got {scale}")

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        shown = self._within_ratio(as_shown(image), scale)
        kwargs = self.sized_kwargs(scale, shown.size)
        seen = see(self.processor, shown, kwargs, self.token_id)
        if seen.num_visual_tokens <= scale:
            return seen
        grid = largest_grid(shown.size, scale)
        fitted = self._resized(shown, (grid[0] * self.side, grid[1] * self.side))
        return see(self.processor, fitted, {**kwargs, "do_resize": False}, self.token_id)

    def encoder(self, model: Any, scale: int) -> Any:
        """Return the model."""
        return model

    def _within_ratio(self, image: Image, scale: int) -> Image:
        """Return a strip of more than 200 to 1 stretched to that across; else the image itself."""
        long, short = max(image.size), min(image.size)
        if long <= RATIO * short:
            return image
        # More pixels than the cap's would only be made, and thrown away again.
        long = min(long, math.ceil(self.side * math.sqrt(RATIO * scale)))
        # Of a strip thinner than a square the processors keep less than they could.
        short = max(math.ceil(long / RATIO), self.side)
        return self._resized(image, (long, short) if image.width > image.height else (short, long))

    def _resized(self, image: Image, size: tuple[int, int]) -> Image:
        return image.resize(size, resample=self.processor.image_processor.resample)
