"""Gemma 4 and Gemma 3.

Gemma 4 knows five numbers of visual tokens at most, and no others. Gemma 3 sees every image in one
square of a fixed number, and long ones in crops beside that ("pan and scan"): its knob goes up
only, and only images whose sides differ enough cost more.
"""

from typing import Any

from budget.families.family import Family, image_token_id
from budget.families.knob import KwargsKnob

_SOFT_TOKENS = (70, 140, 280, 560, 1120)
_CROPS = (0, 2, 3, 4)


def soft_tokens_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's soft tokens.

    By default up to what the checkpoint spends itself; a larger number has to be asked for.
    """
    own = processor.image_processor.max_soft_tokens
    return KwargsKnob(
        name="max_soft_tokens",
        ladder=tuple(cap for cap in _SOFT_TOKENS if cap <= own),
        processor=processor,
        token_id=image_token_id(config),
        kwargs=lambda cap: {"max_soft_tokens": cap},
        values=_SOFT_TOKENS,
    )


def crops_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's crops."""
    each = processor.image_seq_length

    def kwargs(cap: int) -> dict[str, Any]:
        # One crop would be the image once more: with a bound of 1 it costs twice for nothing.
        crops = cap // each - 1
        if crops < 2:
            return {"do_pan_and_scan": False}
        return {"do_pan_and_scan": True, "pan_and_scan_max_num_crops": crops}

    return KwargsKnob(
        name="pan_and_scan_max_num_crops",
        ladder=tuple(each * (1 + crops) for crops in _CROPS),
        processor=processor,
        token_id=image_token_id(config),
        kwargs=kwargs,
        least=each,
        note="the smallest scale is the checkpoint's own; only long images can cost more",
    )


FAMILIES = (
    Family("Gemma 4", ("gemma4", "gemma4_unified"), soft_tokens_knob),
    Family("Gemma 3", ("gemma3",), crops_knob),
)
