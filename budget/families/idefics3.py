"""SmolVLM and Idefics3: an image is seen whole and, beside that, cut into squares."""

import math
from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.knob import KwargsKnob

_SPLITS = (1, 2, 3, 4)


def splitting_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds the squares along an image's longest side."""
    images = processor.image_processor
    side, each = images.max_image_size["longest_edge"], processor.image_seq_len
    caps = tuple(each * (1 if n == 1 else n * n + 1) for n in _SPLITS)

    def kwargs(cap: int) -> dict[str, Any]:
        squares = math.isqrt(max(cap // each - 1, 0))
        if squares < 2:
            return {"do_image_splitting": False}
        return {"do_image_splitting": True, "size": {"longest_edge": squares * side}}

    return KwargsKnob(
        name="size.longest_edge, do_image_splitting",
        ladder=caps,
        processor=processor,
        token_id=image_token_id(config),
        kwargs=kwargs,
        least=each,
    )


FAMILIES = (
    Family("SmolVLM", ("smolvlm",), splitting_knob),
    Family("Idefics3", ("idefics3",), splitting_knob),
)
