"""The knob of any model that sees images at their own size: the image is shrunk before.

What a processor makes of a smaller image is the processor's affair, so a cap is met by trying: an
image is shrunk, step by step, until what it costs is no more. A model that brings every image to
one size cannot be served like this; see ``budget.families.pooling``.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from threading import Lock
from typing import Any

from PIL import Image as Pictures
from PIL.Image import Image

from budget.errors import DataError, ModelError, one_line
from budget.families.family import image_token_id
from budget.families.seen import Seen, see
from budget.pictures import as_shown

Size = tuple[int, int]

_LARGE = (1344, 1008)
_LEAST = (32, 32)
_SHARES = (16, 8, 4, 2, 1)
_STEP = 0.93  # a side's factor from one try to the next, which is one of area by 0.86
_PIXELS = 2_000_000  # larger images are tried as they are, then from here on


def smaller_sizes(size: Size) -> Iterator[Size]:
    """Yield a size, then ever smaller ones of its shape, and at last one as small as makes sense.

    Args:
        size: width and height.

    Example:
        >>> sizes = list(smaller_sizes((640, 480)))
        >>> sizes[:3], sizes[-2:]
        ([(640, 480), (595, 446), (554, 415)], [(33, 24), (32, 32)])
        >>> list(smaller_sizes((1, 1)))
        [(1, 1), (32, 32)]
    """
    yield size
    factor = min(math.sqrt(_PIXELS / (size[0] * size[1])), 1.0)
    factor = factor if factor < 1 else _STEP
    while max(size) * factor > max(_LEAST):
        yield max(round(size[0] * factor), 1), max(round(size[1] * factor), 1)
        factor *= _STEP
    if size != _LEAST:
        # A strip may cost more, however small; without its shape an image costs the least.
        yield _LEAST


class Shrinking:
    """Finds the size that images of one size are shrunk to: the first that costs no more.

    The sizes that are tried are the same for every cap, so that a larger cap never costs less
    even where a processor makes more of a smaller image. Sizes are counted once, and only as far
    as was needed yet; safe to use from several threads.

    Args:
        size: width and height.
        tokens: of a picture of a size.
    """

    def __init__(self, size: Size, tokens: Callable[[Size], float]) -> None:
        self._sizes, self._tokens = smaller_sizes(size), tokens
        self._known: list[tuple[Size, float]] = []
        self._lock = Lock()

    def size_for(self, cap: int) -> Size:
        """Return the largest of the sizes that costs no more than a cap; the last if none does."""
        with self._lock:
            for size, count in self._known:
                if count <= cap:
                    return size
            for size in self._sizes:
                count = self._tokens(size)
                self._known.append((size, count))
                if count <= cap:
                    return size
            return self._known[-1][0]


class ShrinkKnob:
    """Images are shrunk until they cost no more than a cap.

    Args:
        processor: of the model.
        config: of the model.

    Attributes:
        name: as users read it.
        ladder: a sixteenth to all of what a picture of 1344 x 1008 costs.
        note: what users must know.

    Raises:
        ModelError: if the processor cannot be run over an image alone.
    """

    name = "the image's size, before the processor"
    note = "images are shrunk before the model's own processor; any model whose cost follows size"

    def __init__(self, processor: Any, config: Any) -> None:
        self._processor, self._token_id = processor, image_token_id(config)
        full, least = ends_of(processor, config)
        self._least = least
        self.ladder = tuple(sorted({max(full // share, least) for share in _SHARES}))
        self._shrinking = lru_cache(maxsize=4096)(lambda size: Shrinking(size, self._tokens))

    def check(self, scale: int) -> None:
        """Refuse a cap below what the smallest image costs."""
        if scale < self._least:
            raise ValueError(
                f"no image costs less than {self._least} visual tokens here, got a scale of {scale}"
            )

    def shrunk(self, image: Image, scale: int) -> Image:
        """Return an image as the model's own processor gets it under a cap."""
        shown = as_shown(image)
        size = self._shrinking(shown.size).size_for(scale)
        return shown if size == shown.size else shown.resize(size, Pictures.Resampling.BICUBIC)

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        return see(self._processor, self.shrunk(image, scale), {}, self._token_id)

    def encoder(self, model: Any, scale: int) -> Any:
        """Return the model."""
        return model

    def _tokens(self, size: Size) -> float:
        picture = Pictures.new("RGB", size)
        try:
            return see(self._processor, picture, {}, self._token_id).num_visual_tokens
        except Exception:  # a shape that the processor refuses keeps no cap
            return math.inf


def ends_of(processor: Any, config: Any) -> tuple[int, int]:
    """Return the visual tokens of a large and of the smallest image.

    Raises:
        ModelError: if the processor cannot be run over an image alone.
    """
    token_id = image_token_id(config)
    pictures = (Pictures.new("RGB", size) for size in (_LARGE, _LEAST))
    try:
        full, least = (see(processor, each, {}, token_id).num_visual_tokens for each in pictures)
    except (DataError, ModelError):
        raise
    except Exception as error:  # processors fail in as many ways as there are processors
        name = type(processor).__name__
        raise ModelError(f"{name} cannot read an image by itself: {one_line(error)}") from error
    return full, least


def same_at_any_size(processor: Any, config: Any) -> bool:
    """Return whether a small image costs what a large one does, so that shrinking saves nothing."""
    full, least = ends_of(processor, config)
    return least >= full
