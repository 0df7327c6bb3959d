"""Mistral3 and Pixtral: an image is cut into rows of squares, each a visual token.

``size.longest_edge`` bounds the longer side of an image, never enlarging it. How many tokens that
makes depends on the image's shape, so the edge is chosen for each image: the longest that keeps a
cap, and no longer than the checkpoint's own. Every row ends in a mark, which counts as text.
"""

import math
from bisect import bisect_right
from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.squares import SquaresKnob, doubling


def edge_knob(processor: Any, config: Any) -> SquaresKnob:
    """Return the knob that bounds an image's longer side."""
    side = processor.patch_size * processor.spatial_merge_size
    most: int = processor.image_processor.size["longest_edge"]

    def kwargs(cap: int, size: tuple[int, int]) -> dict[str, Any]:
        edges = range(1, most + 1)
        kept = bisect_right(edges, cap, key=lambda edge: _squares(size, edge, side))
        # Below this the processor would leave nothing of the shorter side, and fail.
        least = math.ceil(max(size) / min(size)) + 1
        return {"size": {"longest_edge": max(kept, least)}}

    return SquaresKnob(
        name="size.longest_edge",
        ladder=doubling(math.ceil(most / side) ** 2),
        processor=processor,
        token_id=image_token_id(config),
        side=side,
        sized_kwargs=kwargs,
        note="the mark at the end of each row of an image counts as text",
    )


def _squares(size: tuple[int, int], edge: int, side: int) -> int:
    """Return the squares of an image whose longer side is at most ``edge``, as processors count."""
    ratio = max(max(size) / edge, 1.0)
    columns, rows = (math.ceil(math.floor(length / ratio) / side) for length in size)
    return columns * rows


FAMILIES = (
    Family("Mistral3", ("mistral3",), edge_knob, needs_torchvision=True),
    Family("Pixtral", ("llava+pixtral",), edge_knob, needs_torchvision=True),
)
