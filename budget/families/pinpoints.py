"""LLaVA-NeXT and LLaVA-OneVision: an image is seen whole, and in tiles laid out as pinpoints say.

Pinpoints are the sizes that an image may be brought to before it is cut, here in the order height,
width. The knob is which of the checkpoint's own pinpoints an image may choose from: those of so
many tiles at most. Processor and model read them from themselves and never from a call, and must
agree on them; so each choice has a processor of its own and the model is seen through a copy with
another configuration and the same weights. Nothing that others use is changed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL.Image import Image

from budget.errors import ModelError
from budget.families.family import Family, image_token_id
from budget.families.seen import Seen, see
from budget.pictures import as_shown

_APART = 1.5  # a default scale is at least so many times the one below
_SHRUNK_FROM = 1.1**2  # of the tiles that "anyres_max_N" names: beyond, features are shrunk to N
# The layout of no tiles: what transformers calls the best of these is taken for the whole image.
_NO_TILES = [[0, 0]]

Size = tuple[int, int]


class Layouts(NamedTuple):
    """The pinpoints of so many tiles at most.

    Attributes:
        tiles: that bound.
        pinpoints: heights and widths, in the checkpoint's order.
        processor: that knows these alone.
    """

    tiles: int
    pinpoints: list[list[int]]
    processor: Any


class PinpointsKnob:
    """An image is cut into as many tiles as a cap allows.

    The choice with the most tiles whose tokens stay below the cap is taken, which makes tokens grow
    with the cap where the number of tiles would not: features of many tiles may be shrunk to fewer
    tokens than those of fewer tiles have. The whole image alone costs the least.

    Args:
        processor: of the model.
        config: of the model.

    Attributes:
        name: as users of these models know it.
        ladder: the whole image alone, to all pinpoints of the checkpoint.
        note: what users must know.

    Raises:
        ModelError: if the configuration has no pinpoints, or none that are whole tiles.
    """

    name = "image_grid_pinpoints"

    def __init__(self, processor: Any, config: Any) -> None:
        self._token_id = image_token_id(config)
        self._side = int(config.vision_config.image_size)
        self._grid = self._side // int(config.vision_config.patch_size)
        # OneVision sees each of several images so; for NeXT it is new.
        untrained = config.model_type == "llava_next"
        self.note = "the smallest scale is the whole image alone" + (
            ", which this family was not trained on" if untrained else ""
        )
        points = [list(point) for point in config.image_grid_pinpoints or ()]
        if not points or any(n % self._side or n < self._side for point in points for n in point):
            raise ModelError(
                f"pinpoints must be multiples of the side {self._side}, got {points or None}"
            )
        counts = sorted({self._tiles(point) for point in points})
        self._layouts = [self._layout(processor, points, most) for most in counts]
        self._least = self._grid**2 + 1
        self._chosen = lru_cache(maxsize=4096)(self._choose)
        self.ladder = _thinned([self._least, *map(self._bound, self._layouts)])

    def check(self, scale: int) -> None:
        """Refuse a cap below what the whole image alone costs."""
        if scale < self._least:
            raise ValueError(
                f"no image costs less than {self._least} visual tokens here, got a scale of {scale}"
            )

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it under a cap."""
        shown = as_shown(image)
        chosen = self._chosen(shown.size, scale)
        if chosen is None:
            return self._see_whole(shown)
        return see(chosen.processor, shown, {}, self._token_id)

    def encoder(self, model: Any, scale: int) -> PinpointsEncoder:
        """Return a view of the model that knows the pinpoints which an image was cut by."""

        def pinpoints(size: Size) -> list[list[int]]:
            chosen = self._chosen(size, scale)
            return _NO_TILES if chosen is None else chosen.pinpoints

        return PinpointsEncoder(model.base_model, pinpoints)

    def _tiles(self, point: Sequence[int]) -> int:
        return (point[0] // self._side) * (point[1] // self._side)

    def _layout(self, processor: Any, points: list[list[int]], most: int) -> Layouts:
        own = copy.copy(processor)
        own.image_processor = copy.copy(processor.image_processor)
        fitting = [point for point in points if self._tiles(point) <= most]
        own.image_processor.image_grid_pinpoints = fitting
        return Layouts(most, fitting, own)

    def _bound(self, layouts: Layouts) -> int:
        """Return what no image costs more than: tiles without padding, a mark behind each row."""
        most = float(layouts.tiles)
        aspect = getattr(layouts.processor, "vision_aspect_ratio", None)
        if aspect is not None:
            most = min(most, _SHRUNK_FROM * int(aspect.removeprefix("anyres_max_")))
        rows = max(height // self._side for height, _ in layouts.pinpoints) * self._grid
        return self._grid**2 + math.floor(most * self._grid**2) + rows

    def _choose(self, size: Size, cap: int) -> Layouts | None:
        """Return the layouts of the most tiles that keep a cap; None for the whole image alone."""
        fitting = (each for each in reversed(self._layouts) if self._count(each, size) <= cap)
        return next(fitting, None)

    def _count(self, layouts: Layouts, size: Size) -> int:
        """Return the placeholders that a processor would write for an image of a width, height."""
        pixels = np.broadcast_to(np.uint8(0), (1, 1, 3, self._side, self._side))
        text: str = layouts.processor.replace_image_token(
            {"image_sizes": [size[::-1]], "pixel_values": pixels, "batch_num_images": [1]}, 0
        )
        return text.count(layouts.processor.image_token)

    def _see_whole(self, image: Image) -> Seen:
        """Return the whole image without tiles.

        LLaVA-OneVision sees several images of one prompt like this, padded to squares.
        """
        processor = self._layouts[0].processor
        several = "batch_num_images" in processor.image_processor.model_input_names
        given = [[image, image]] if several else [image]
        found = processor.image_processor(images=given, return_tensors="pt")
        tensors = {
            "pixel_values": found["pixel_values"][:1, :1],
            "image_sizes": found["image_sizes"][:1],
        }
        return Seen(processor.image_token * self._least, tensors, self._least)


class PinpointsEncoder(NamedTuple):
    """A model's encoder under other pinpoints than its configuration's.

    Attributes:
        base_model: the model without its head.
        pinpoints: of an image of a width and a height.
    """

    base_model: Any
    pinpoints: Callable[[Size], list[list[int]]]

    def get_image_features(self, *, image_sizes: Any, **rest: Any) -> Any:
        """Return the features of one image; safe to call from several threads."""
        height, width = image_sizes[0].tolist()
        view = copy.copy(self.base_model)
        view.config = copy.copy(view.config)
        view.config.image_grid_pinpoints = self.pinpoints((width, height))
        return view.get_image_features(image_sizes=image_sizes, **rest)


def _thinned(caps: Sequence[int]) -> tuple[int, ...]:
    """Return the first and the last of growing caps, and of the others those that lie apart."""
    kept = [caps[-1]]
    for cap in reversed(caps[:-1]):
        if cap * _APART <= kept[-1]:
            kept.append(cap)
    return tuple(sorted({*kept, caps[0]}))


FAMILIES = (
    Family("LLaVA-NeXT", ("llava_next",), PinpointsKnob),
    Family("LLaVA-OneVision", ("llava_onevision",), PinpointsKnob),
)
