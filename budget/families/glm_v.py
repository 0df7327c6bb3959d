"""GLM-4.1V to GLM-4.6V: as Qwen-VL, but a pixel is counted once for each frame of a patch.

The processor treats an image as a film of ``temporal_patch_size`` equal frames.
"""

from typing import Any

from budget.families.family import Family
from budget.families.qwen_vl import bounded_pixels
from budget.families.squares import SquaresKnob


def frames_knob(processor: Any, config: Any) -> SquaresKnob:
    """Return the knob that bounds the pixels of all frames together."""
    layers = processor.image_processor.temporal_patch_size
    return bounded_pixels(processor, config, layers=layers)


FAMILIES = (Family("GLM-4V", ("glm4v", "glm4v_moe", "glm46v", "glm_ocr"), frames_knob),)
