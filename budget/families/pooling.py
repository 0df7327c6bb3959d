"""The knob of any model that sees every image in one square grid: its features are averaged.

This is what M3 does with LLaVA, on a model that was never trained for it. It needs no training and
it loses: the fewer tokens are left, the less the model has seen anything like them.
"""

import math
from typing import Any, NamedTuple

import torch
from PIL import Image as Pictures
from PIL.Image import Image

from budget.errors import ModelError
from budget.families.family import Family, image_token_id
from budget.families.seen import Seen, see
from budget.families.shrink import ShrinkKnob, same_at_any_size
from budget.ladder import exact_scales, usual_m3_scales
from budget.own_knob import LOSSY
from budget.tokens import pool_tokens

_PICTURE = (336, 336)


class PoolKnob:
    """Features of an image's square grid, averaged to a smaller grid.

    A scale is not only a cap here but what every image costs.

    Args:
        processor: of the model.
        config: of the model.

    Attributes:
        name: as users read it.
        ladder: squares whose side divides the grid's.
        note: that it is lossy.

    Raises:
        ModelError: if an image's placeholders are not one run of a square number.
    """

    name = "features averaged behind the encoder"
    note = LOSSY

    def __init__(self, processor: Any, config: Any) -> None:
        self._processor, self._token_id = processor, image_token_id(config)
        self._mark: str = processor.tokenizer.convert_ids_to_tokens(self._token_id)
        seen = see(processor, Pictures.new("RGB", _PICTURE), {}, self._token_id)
        self._full = full = seen.num_visual_tokens
        whole = self._mark * full in seen.text and math.isqrt(full) ** 2 == full
        # Positions made from a grid would be those of the full one.
        if not whole or full < 4 or "image_grid_thw" in seen.tensors:
            raise ModelError(
                f"every image costs {full} visual tokens in {config.model_type!r}, small or large, "
                "and no square grid that could be averaged; there is nothing that sets them"
            )
        self.ladder = usual_m3_scales(full)

    def check(self, scale: int) -> None:
        """Refuse a number that the grid cannot be averaged to."""
        if scale not in (legal := exact_scales(self._full)):
            raise ValueError(
                f"a grid of {self._full} visual tokens can be averaged to "
                f"{', '.join(map(str, legal))}, got a scale of {scale}"
            )

    def see(self, image: Image, scale: int) -> Seen:
        """Return an image as the model sees it, with the placeholders of a scale."""
        seen = see(self._processor, image, {}, self._token_id)
        text = seen.text.replace(self._mark * self._full, self._mark * scale)
        return seen._replace(text=text, num_visual_tokens=scale)

    def encoder(self, model: Any, scale: int) -> "PoolingEncoder":
        """Return the model's encoder with averaged features."""
        return PoolingEncoder(model.base_model, scale)


class PoolingEncoder(NamedTuple):
    """A model's encoder whose features are averaged.

    Attributes:
        base_model: the model without its head.
        scale: features that are left of an image.
    """

    base_model: Any
    scale: int

    def get_image_features(self, **given: Any) -> Any:
        """Return the features of one image.

        Raises:
            ModelError: if the model reads features of several layers.
        """
        output = self.base_model.get_image_features(**given)
        if getattr(output, "deepstack_features", None) is not None:
            raise ModelError(
                f"{type(self.base_model).__name__} reads an image at several layers, which "
                "averaging does not know"
            )
        output.pooler_output = self._pooled(output.pooler_output)
        return output

    def _pooled(self, features: Any) -> Any:
        """Average features of shape [1, n, d] or [n, d], or a list of such."""
        if not isinstance(features, torch.Tensor):
            return [self._pooled(each) for each in features]
        if features.dim() == 2:
            return pool_tokens(features[None], self.scale)[0]
        return pool_tokens(features, self.scale)


def generic_knob(processor: Any, config: Any) -> ShrinkKnob | PoolKnob:
    """Return the knob of a model of no family here: images are shrunk, or features averaged.

    Raises:
        ModelError: if neither changes what an image costs.
    """
    if same_at_any_size(processor, config):
        return PoolKnob(processor, config)
    return ShrinkKnob(processor, config)


FAMILIES = (
    Family("PaliGemma", ("paligemma",), PoolKnob),
    Family("Gemma 3n", ("gemma3n",), PoolKnob),
)
ANY = Family("any other", (), generic_knob)
