"""What one sample costs, from a LLaVA-like configuration alone.

A multiply-add counts as two FLOPs. Only matrix products and convolutions are counted, and
attention as the full t x t product, causal or not: both as ``torch.utils.flop_counter`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from budget.types import Cost


@dataclass(frozen=True, slots=True)
class TransformerShape:
    """Sizes of one transformer stack.

    Attributes:
        layers: number of layers.
        width: hidden size.
        query_width: attention heads times head size.
        kv_width: key-value heads times head size.
        mlp_width: intermediate size.
        mlp_matrices: weight matrices of an MLP; 2, or 3 with a gate.
    """

    layers: int
    width: int
    query_width: int
    kv_width: int
    mlp_width: int
    mlp_matrices: int

    @property
    def layer_weights(self) -> int:
        """Weights of one layer's matrices."""
        attention = 2 * self.width * (self.query_width + self.kv_width)
        return attention + self.mlp_matrices * self.width * self.mlp_width

    def flops(self, queries: int, keys: int) -> int:
        """FLOPs of running ``queries`` positions that attend to ``keys`` positions."""
        linear = 2 * queries * self.layer_weights
        return self.layers * (linear + 4 * queries * keys * self.query_width)


@dataclass(frozen=True, slots=True)
class LlavaShape:
    """Sizes of a LLaVA-like model that its cost depends on.

    Attributes:
        vision: the vision tower.
        text: the language model.
        patch_inputs: pixels times channels of one patch.
        grid_tokens: patches of the full grid.
        vision_tokens: positions of the vision tower, class token included.
        vocabulary: rows of the head.
        feature_width: width of the selected vision features.
        num_queries: queries of the resampler; None for a projector.
    """

    vision: TransformerShape
    text: TransformerShape
    patch_inputs: int
    grid_tokens: int
    vision_tokens: int
    vocabulary: int
    feature_width: int
    num_queries: int | None = None

    @classmethod
    def of(cls, config: Any) -> LlavaShape:
        """Read the sizes from a LLaVA-like configuration."""
        vision, text = config.vision_config, config.text_config
        grid = (vision.image_size // vision.patch_size) ** 2
        layer = config.vision_feature_layer
        return cls(
            vision=_vision_shape(vision),
            text=_text_shape(text),
            patch_inputs=vision.num_channels * vision.patch_size**2,
            grid_tokens=grid,
            vision_tokens=grid + (config.vision_feature_select_strategy == "default"),
            vocabulary=text.vocab_size,
            feature_width=vision.hidden_size * (1 if isinstance(layer, int) else len(layer)),
            num_queries=getattr(config, "num_queries", None),
        )


def _vision_shape(config: Any) -> TransformerShape:
    width = config.hidden_size
    return TransformerShape(
        config.num_hidden_layers, width, width, width, config.intermediate_size, mlp_matrices=2
    )


def _text_shape(config: Any) -> TransformerShape:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return TransformerShape(
        config.num_hidden_layers,
        config.hidden_size,
        head * config.num_attention_heads,
        head * config.num_key_value_heads,
        config.intermediate_size,
        mlp_matrices=3,
    )


def vision_flops(shape: LlavaShape) -> int:
    """FLOPs of the vision tower on one image; every layer runs, whichever is selected."""
    patches = 2 * shape.grid_tokens * shape.patch_inputs * shape.vision.width
    return patches + shape.vision.flops(shape.vision_tokens, shape.vision_tokens)


def connector_flops(shape: LlavaShape) -> int:
    """FLOPs of the projector over the full grid, or of the resampler with all its queries."""
    grid, width, out = shape.grid_tokens, shape.feature_width, shape.text.width
    if shape.num_queries is None:
        return 2 * grid * (width * out + out * out)
    queries = shape.num_queries
    inputs = 2 * width * width * (queries + 2 * grid)
    attention = 4 * queries * grid * width
    return inputs + attention + 2 * queries * (width * width + width * out)


def llava_cost(
    shape: LlavaShape,
    *,
    num_visual_tokens: int,
    text_tokens: int,
    new_tokens: int,
    bytes_per_value: int = 4,
) -> Cost:
    """Return the cost of one sample.

    The first new token comes from the prefill, so ``new_tokens`` need one pass fewer through
    the language model. The head runs at one position per new token.

    Args:
        shape: sizes of the model.
        num_visual_tokens: visual tokens in the prompt.
        text_tokens: prompt tokens without the visual ones.
        new_tokens: generated tokens, the stop token included.
        bytes_per_value: bytes of one cached number.

    Raises:
        ValueError: if a count is negative or ``new_tokens`` is not positive.
    """
    if num_visual_tokens < 0 or text_tokens < 0 or new_tokens < 1:
        raise ValueError(
            "token counts must not be negative and new_tokens at least 1, got "
            f"{num_visual_tokens} visual, {text_tokens} text, {new_tokens} new"
        )
    text, prompt, passes = shape.text, num_visual_tokens + text_tokens, new_tokens - 1
    head = 2 * text.width * shape.vocabulary
    decode = sum(text.flops(1, prompt + step) + head for step in range(1, passes + 1))
    cached = 2 * text.layers * text.kv_width * (prompt + passes)
    return Cost(
        vision_flops=float(vision_flops(shape)),
        connector_flops=float(connector_flops(shape)),
        prefill_flops=float(text.flops(prompt, prompt) + head),
        decode_flops=float(decode),
        kv_bytes=float(cached * bytes_per_value),
    )
