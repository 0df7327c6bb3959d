"""Kimi: an image keeps its shape and is padded to whole squares, each a visual token.

``max_patches`` bounds the patches before an image is padded, four of which make a token, so that
an image mostly costs more than a quarter of it: 70 tokens of 640 x 480 at 256. Here it is lowered,
for each image, until what is padded keeps the cap.
"""

from bisect import bisect_right
from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.squares import SquaresKnob, doubling


def patches_knob(processor: Any, config: Any) -> SquaresKnob:
    """Return the knob that bounds an image's patches."""
    images = processor.image_processor
    each = images.merge_size**2

    def kwargs(cap: int, size: tuple[int, int]) -> dict[str, Any]:
        width, height = size

        def patches(most: int) -> int:
            count: int = images.get_number_of_image_patches(height, width, {"max_patches": most})
            return count

        highest = cap * each
        bound = bisect_right(range(1, highest + 1), highest, key=patches)
        return {"max_patches": max(bound, 1)}

    return SquaresKnob(
        name="max_patches",
        ladder=doubling(max(images.max_patches // each, 1)),
        processor=processor,
        token_id=image_token_id(config),
        side=images.patch_size * images.merge_size,
        sized_kwargs=kwargs,
    )


FAMILIES = (Family("Kimi", ("kimi_k25",), patches_knob, needs_torchvision=True),)
