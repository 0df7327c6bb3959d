"""MQT-LLaVA as a transformers model: LLaVA whose projector is a Matryoshka query transformer.

The classes are registered with transformers' Auto classes under model type ``mqt_llava``:

    config = MqtLlavaConfig(num_queries=144, num_resampler_heads=4, vision_config=..., ...)
    model = MqtLlavaForConditionalGeneration(config)
    model.generate(input_ids=ids, pixel_values=pixels, num_visual_tokens=16)

where ``ids`` holds 16 image tokens per image.
"""

from collections.abc import Sequence
from typing import Any

import torch
from huggingface_hub.dataclasses import strict
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaModel,
    LlavaPreTrainedModel,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

from budget.resampler import QueryResampler
from budget.tokens import one_per_image


@strict
class MqtLlavaConfig(LlavaConfig):
    """Configuration of an MQT-LLaVA model.

    Attributes:
        num_queries: M, the learned queries and the largest number of visual tokens; square.
        num_resampler_heads: attention heads of the resampler.
    """

    model_type = "mqt_llava"

    num_queries: int = 256
    num_resampler_heads: int = 16


def check_prefix(num_visual_tokens: int, num_queries: int) -> int:
    """Return ``num_visual_tokens`` if so many leading tokens exist.

    Raises:
        ValueError: if it is not an integer from 1 to ``num_queries``.
    """
    if num_visual_tokens not in range(1, num_queries + 1):
        raise ValueError(
            f"num_visual_tokens must be an integer from 1 to {num_queries}, got {num_visual_tokens}"
        )
    return int(num_visual_tokens)


def keep_prefixes(
    tokens: Sequence[torch.Tensor], num_visual_tokens: int | Sequence[int]
) -> list[torch.Tensor]:
    """Cut each image's tokens to its number of visual tokens.

    Args:
        tokens: per image, all visual tokens with shape [M, d].
        num_visual_tokens: one number for all images or one per image.

    Returns:
        Per image, the first m tokens with shape [m, d].

    Raises:
        ValueError: if a number is out of range or there is not one per image.
    """
    numbers = one_per_image(num_visual_tokens, len(tokens))
    return [t[: check_prefix(m, t.shape[0])] for t, m in zip(tokens, numbers, strict=True)]


class MqtLlavaPreTrainedModel(LlavaPreTrainedModel):
    """Gives the resampler its starting values."""

    config: MqtLlavaConfig
    config_class = MqtLlavaConfig
    # Its matrices are read without calling the modules that hold them.
    _no_split_modules = [*(LlavaPreTrainedModel._no_split_modules or ()), "QueryResampler"]  # noqa: RUF012
    # The released table is kept in float16, of which bfloat16 would lose bits.
    _keep_in_fp32_modules_strict = ["multi_modal_projector.pos_embed"]  # noqa: RUF012

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, QueryResampler):
            _reset_missing(module)


def _reset_missing(resampler: QueryResampler) -> None:
    """Reset the resampler's own parameters unless a checkpoint gave them."""
    names = ("pos_embed", "query", "proj")
    if not any(getattr(getattr(resampler, n), "_is_hf_initialized", False) for n in names):
        resampler.reset_parameters()


class MqtLlavaModel(MqtLlavaPreTrainedModel, LlavaModel):
    """Vision tower, resampler and language model, without the head."""

    def __init__(self, config: MqtLlavaConfig) -> None:
        LlavaPreTrainedModel.__init__(self, config)
        vision, text = config.vision_config, config.text_config
        self.vision_tower = AutoModel.from_config(vision)
        self.multi_modal_projector = QueryResampler(
            config.num_queries, vision.hidden_size, text.hidden_size, config.num_resampler_heads
        )
        self.language_model = AutoModel.from_config(text)
        self.post_init()

    def get_image_features(
        self,
        pixel_values: torch.Tensor,
        vision_feature_layer: int | list[int] | None = None,
        vision_feature_select_strategy: str | None = None,
        image_sizes: torch.Tensor | None = None,
        num_visual_tokens: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """Encode images; ``pooler_output`` lists each image's visual tokens, shape [m, d].

        ``num_visual_tokens`` is one number for all images or one per image; all M by default.
        """
        kwargs["return_dict"] = True
        features = super().get_image_features(
            pixel_values,
            vision_feature_layer=vision_feature_layer,
            vision_feature_select_strategy=vision_feature_select_strategy,
            image_sizes=image_sizes,
            **kwargs,
        )
        if num_visual_tokens is not None:
            features.pooler_output = keep_prefixes(features.pooler_output, num_visual_tokens)
        return features

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        num_visual_tokens: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run the language model over text and the first ``num_visual_tokens`` tokens."""
        if pixel_values is not None and kwargs.get("mm_encoder_outputs") is None:
            kwargs["mm_encoder_outputs"] = {
                "image": self.get_image_features(pixel_values, num_visual_tokens=num_visual_tokens)
            }
            pixel_values = None
        return super().forward(input_ids=input_ids, pixel_values=pixel_values, **kwargs)


class MqtLlavaForConditionalGeneration(MqtLlavaPreTrainedModel, LlavaForConditionalGeneration):
    """MQT-LLaVA with its language-modelling head; ``generate`` takes ``num_visual_tokens``."""

    def __init__(self, config: MqtLlavaConfig) -> None:
        LlavaPreTrainedModel.__init__(self, config)
        self.model = MqtLlavaModel(config)
        text = config.text_config
        self.lm_head = nn.Linear(text.hidden_size, text.vocab_size, bias=False)
        self.post_init()

    def get_image_features(
        self,
        pixel_values: torch.Tensor,
        vision_feature_layer: int | list[int] | None = None,
        vision_feature_select_strategy: str | None = None,
        num_visual_tokens: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPooling:
        """Encode images; see ``MqtLlavaModel.get_image_features``."""
        return self.model.get_image_features(
            pixel_values,
            vision_feature_layer=vision_feature_layer,
            vision_feature_select_strategy=vision_feature_select_strategy,
            num_visual_tokens=num_visual_tokens,
            **kwargs,
        )

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        pixel_values: torch.Tensor | None = None,
        num_visual_tokens: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return logits (and a loss if ``labels`` are given)."""
        return super().forward(
            input_ids=input_ids,
            pixel_values=pixel_values,
            num_visual_tokens=num_visual_tokens,
            **kwargs,
        )


def _register() -> None:
    AutoConfig.register("mqt_llava", MqtLlavaConfig, exist_ok=True)
    AutoModel.register(MqtLlavaConfig, MqtLlavaModel, exist_ok=True)
    AutoModelForImageTextToText.register(
        MqtLlavaConfig, MqtLlavaForConditionalGeneration, exist_ok=True
    )


_register()
