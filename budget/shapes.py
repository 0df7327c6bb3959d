"""The sizes of a LLaVA-like model that its cost depends on, read from a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
        heads: attention heads.
    """

    layers: int
    width: int
    query_width: int
    kv_width: int
    mlp_width: int
    mlp_matrices: int
    heads: int

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
        resampler_heads: attention heads of the resampler.
        tied_head: whether the head is the table of embeddings.
        fixed_attention: whether the resampler's attention weights, which no image changes, are
            computed beforehand instead of with every image.
        merged_output: whether the resampler's two output matrices are multiplied beforehand.
    """

    vision: TransformerShape
    text: TransformerShape
    patch_inputs: int
    grid_tokens: int
    vision_tokens: int
    vocabulary: int
    feature_width: int
    num_queries: int | None = None
    resampler_heads: int = 1
    tied_head: bool = False
    fixed_attention: bool = False
    merged_output: bool = False

    @classmethod
    def of(cls, config: Any) -> LlavaShape:
        """Read the sizes from a LLaVA-like configuration.

        A resampler runs as ``budget.resampler`` does without gradients: with fixed attention and
        merged output.
        """
        queries = getattr(config, "num_queries", None)
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
            num_queries=queries,
            resampler_heads=getattr(config, "num_resampler_heads", 1),
            tied_head=bool(getattr(text, "tie_word_embeddings", False)),
            fixed_attention=queries is not None,
            merged_output=queries is not None,
        )


def _vision_shape(config: Any) -> TransformerShape:
    width = config.hidden_size
    return TransformerShape(
        layers=config.num_hidden_layers,
        width=width,
        query_width=width,
        kv_width=width,
        mlp_width=config.intermediate_size,
        mlp_matrices=2,
        heads=config.num_attention_heads,
    )


def _text_shape(config: Any) -> TransformerShape:
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return TransformerShape(
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        query_width=head * config.num_attention_heads,
        kv_width=head * config.num_key_value_heads,
        mlp_width=config.intermediate_size,
        mlp_matrices=3,
        heads=config.num_attention_heads,
    )
