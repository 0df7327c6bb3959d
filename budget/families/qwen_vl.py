"""Qwen-VL from Qwen2-VL to Qwen3.5: images of any shape, a token for each square of some pixels.

The image processor keeps an image's pixels between two bounds, ``size.shortest_edge`` and
``size.longest_edge``, which are numbers of pixels whatever their names say.
"""

from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.squares import SquaresKnob, doubling


def pixels_knob(processor: Any, config: Any) -> SquaresKnob:
    """Return the knob that bounds an image's pixels."""
    return bounded_pixels(processor, config, layers=1)


def bounded_pixels(processor: Any, config: Any, *, layers: int) -> SquaresKnob:
    """Return the knob that bounds an image's pixels, each counted several times.

    Args:
        processor: of the model.
        config: of the model.
        layers: how often the processor counts a pixel.
    """
    images = processor.image_processor
    side = images.patch_size * images.merge_size
    each = side * side * layers
    least, most = images.size["shortest_edge"], images.size["longest_edge"]

    def kwargs(cap: int, size: tuple[int, int]) -> dict[str, Any]:
        # With the checkpoint's own least, a cap below it would be ignored.
        return {"size": {"shortest_edge": min(cap * each, least), "longest_edge": cap * each}}

    return SquaresKnob(
        name="size.longest_edge, which is pixels",
        ladder=doubling(max(most // each, 1)),
        processor=processor,
        token_id=image_token_id(config),
        side=side,
        sized_kwargs=kwargs,
    )


FAMILIES = (
    Family("Qwen2-VL", ("qwen2_vl",), pixels_knob),
    Family("Qwen2.5-VL", ("qwen2_5_vl",), pixels_knob),
    Family("Qwen3-VL", ("qwen3_vl", "qwen3_vl_moe"), pixels_knob),
    Family("Qwen3.5", ("qwen3_5", "qwen3_5_moe"), pixels_knob),
)
