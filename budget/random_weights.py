"""A model of a given shape with random weights: enough to see how fast the shape is."""

from types import SimpleNamespace
from typing import Any

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from budget.mqt import MqtLlavaConfig, MqtLlavaForConditionalGeneration
from budget.quiet import quiet_transformers


def random_model(
    sizes: SimpleNamespace, *, device: str | torch.device, dtype: torch.dtype, seed: int = 0
) -> Any:
    """Build a model directly where it will run, so that no copy passes through other memory.

    Args:
        sizes: what ``budget.config_files.read_sizes`` read as ``config``.
        device: where the weights are made.
        dtype: their type.
        seed: of the weights; the caller's random state is left as it is.
    """
    config = _config(sizes)
    mqt = isinstance(config, MqtLlavaConfig)
    model_class = MqtLlavaForConditionalGeneration if mqt else LlavaForConditionalGeneration
    place = torch.device(device)
    with quiet_transformers(), torch.device("meta"):
        model: Any = model_class._from_config(config, dtype=dtype)
    model.to_empty(device=place)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(seed)
        model.init_weights()  # the tables of positions too, which are no parameters
    return model.eval()


def _config(sizes: SimpleNamespace) -> LlavaConfig:
    shared: dict[str, Any] = {
        "vision_config": CLIPVisionConfig(**vars(sizes.vision_config)),
        "text_config": LlamaConfig(**vars(sizes.text_config)),
        "vision_feature_layer": sizes.vision_feature_layer,
        "vision_feature_select_strategy": sizes.vision_feature_select_strategy,
        "image_token_index": 0,
    }
    queries = getattr(sizes, "num_queries", None)
    if queries is None:
        return LlavaConfig(**shared)
    heads = sizes.num_resampler_heads
    return MqtLlavaConfig(num_queries=queries, num_resampler_heads=heads, **shared)
