"""The knob of any model that sees images at their own size: the image is shrunk before.

What a processor makes of a smaller image is the processor's affair, so a cap is met by trying: an
image is shrunk until what it costs is no more. A model that brings every image to one size cannot
be served like this; see ``budget.families.pooling``.
"""

import math
from functools import lru_cache
from typing import Any

from PIL import Image as Pictures
from PIL.Image import Image

from budget.families.family import image_token_id
from budget.families.seen import Seen, see
from budget.pictures import as_shown

_LARGE, _SMALL = (1344, 1008), (168, 126)
_SHARES = (16, 8, 4, 2, 1)
_STEP = 0.93  # a side's factor from one try to the next, which is one of area by 0.86
_TRIES = 60


class ShrinkKnob:
    """Images are shrunk until they cost no more than a cap.

    Args:
        processor: of the model.
        config: of the model.

    Attributes:
        name: as users read it.
        ladder: a sixteenth to all of what a picture of 1344 x 1008 costs.
        note: what users must know.

    """

    name = "the image's size, before the processor"
    note = "images are shrunk before the model's own processor; any model whose cost follows size"

    def __init__(self, processor: Any, config: Any) -> None:
        self._processor, self._token_id = processor, image_token_id(config)
        full, least = (self._tokens(size) for size in (_LARGE, _SMALL))
        self._least = least
        self.ladder = tuple(
            sorted({max(full // share, least) for share in _SHARES if full // share})
        )
        self._size_for = lru_cache(maxsize=4096)(self._find_size)

    def check(self, scale: int) -> None:
        """Refuse a cap below what a small image costs."""
        if scale < self._least:
            raise ValueError(
                f"no image costs less than {self._least} visual tokens here, got a scale of {scale}"
            )

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        shown = as_shown(image)
        size = self._size_for(shown.size, scale)
        if size != shown.size:
            shown = shown.resize(size, Pictures.Resampling.BICUBIC)
        return see(self._processor, shown, {}, self._token_id)

    def encoder(self, model: Any, scale: int) -> Any:
        """Return the model."""
        return model

    def _tokens(self, size: tuple[int, int]) -> int:
        picture = Pictures.new("RGB", size)
        return see(self._processor, picture, {}, self._token_id).num_visual_tokens

    def _find_size(self, size: tuple[int, int], cap: int) -> tuple[int, int]:
        """Return the size that an image of a size is shrunk to: the first that costs no more."""
        tokens = self._tokens(size)
        if tokens <= cap:
            return size
        # A little more than cost in proportion to area would take.
        factor = min(math.sqrt(cap / tokens) * 1.15, 1.0)
        for _ in range(_TRIES):
            tried = (max(round(size[0] * factor), 1), max(round(size[1] * factor), 1))
            if self._tokens(tried) <= cap or tried == (1, 1):
                return tried
            factor *= _STEP
        return tried


def same_at_any_size(processor: Any, config: Any) -> bool:
    """Return whether a small image costs what a large one does, so that shrinking saves nothing."""
    token_id = image_token_id(config)
    full, least = (
        see(processor, Pictures.new("RGB", size), {}, token_id).num_visual_tokens
        for size in (_LARGE, _SMALL)
    )
    return least >= full
