"""InternVL: an image is cut into tiles, and seen whole once more where there are several.

The processor takes the grid of tiles whose shape is nearest to the image's. More tiles allowed
never make fewer, but they may change nothing: an image of 4 to 3 has one tile where up to three
are allowed, one of 5 to 12 three (with the whole image) where two to six are.
"""

from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.knob import KwargsKnob

_TILES = (1, 2, 4, 6, 12)


def tiles_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's tiles."""
    return tiles_of(processor, config, each=processor.image_seq_length)


def tiles_of(processor: Any, config: Any, *, each: int) -> KwargsKnob:
    """Return the knob that bounds an image's tiles, of so many visual tokens each."""

    def kwargs(cap: int) -> dict[str, Any]:
        # Two tiles or more come with the whole image as one more.
        tiles = max(cap // each - 1, 1)
        return {"crop_to_patches": tiles > 1, "min_patches": 1, "max_patches": tiles}

    most = max(processor.image_processor.max_patches, 2)
    counts = [n for n in _TILES if n <= most]
    return KwargsKnob(
        name="max_patches",
        ladder=tuple(each * (n if n == 1 else n + 1) for n in counts),
        processor=processor,
        token_id=image_token_id(config),
        kwargs=kwargs,
        least=each,
    )


FAMILIES = (Family("InternVL", ("internvl",), tiles_knob),)
