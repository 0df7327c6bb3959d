"""Aya Vision and Command A Vision: images are cut into tiles as InternVL's are."""

from typing import Any

from budget.families.family import Family
from budget.families.internvl import tiles_of
from budget.families.knob import KwargsKnob


def aya_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's tiles; the processor knows their side."""
    each = (processor.img_size // processor.patch_size) ** 2
    return tiles_of(processor, config, each=each)


def command_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's tiles; a patch's side is that of a tile in tokens."""
    return tiles_of(processor, config, each=processor.patch_size**2)


FAMILIES = (
    Family("Aya Vision", ("aya_vision",), aya_knob),
    Family("Command A Vision", ("cohere2_vision",), command_knob, needs_torchvision=True),
)
