"""Ovis2: an image is seen whole, and beside that cut into tiles until these cover most of it."""

from typing import Any

from budget.errors import ModelError
from budget.families.family import Family
from budget.families.internvl import tiles_knob
from budget.families.knob import KwargsKnob


def covering_knob(processor: Any, config: Any) -> KwargsKnob:
    """Return the knob that bounds an image's tiles.

    Raises:
        ModelError: if the model draws its visual tokens at random, so that no answer of it can be
            had twice.
    """
    if (found := config.vision_config.tokenize_function) == "gumbel_argmax":
        raise ModelError(
            f"this model draws its visual tokens at random (tokenize_function {found!r}); "
            "'softmax' and 'st_argmax' can be run"
        )
    return tiles_knob(processor, config)


FAMILIES = (Family("Ovis2", ("ovis2",), covering_knob),)
