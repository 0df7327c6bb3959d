"""Qwen2-VL, Qwen2.5-VL, Qwen3-VL: images of any shape, a token for each square of some pixels.

The image processor keeps an image's pixels between two bounds, ``size.shortest_edge`` and
``size.longest_edge``, which are numbers of pixels whatever their names say.
"""

from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.knob import KwargsKnob

_CAPS = (64, 128, 256, 512, 1024)


def pixels_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's pixels."""
    images = processor.image_processor
    pixels = (images.patch_size * images.merge_size) ** 2
    return KwargsKnob(
        name="size: pixels at most and at least",
        ladder=_CAPS,
        processor=processor,
        token_id=image_token_id(config),
        # The least is kept too: without it a cap below the checkpoint's own least would be ignored.
        kwargs=lambda cap: {
            "size": {
                "shortest_edge": min(cap * pixels, images.size["shortest_edge"]),
                "longest_edge": cap * pixels,
            }
        },
        least=4,
    )


FAMILIES = (
    Family("Qwen2-VL", ("qwen2_vl",), pixels_knob),
    Family("Qwen2.5-VL", ("qwen2_5_vl",), pixels_knob),
    Family("Qwen3-VL", ("qwen3_vl", "qwen3_vl_moe"), pixels_knob),
)
