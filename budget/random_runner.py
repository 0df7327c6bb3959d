"""A whole model of a given shape with random weights, which answers nonsense at the right speed."""

import torch
from transformers import CLIPImageProcessorPil

from budget.config_files import ModelSizes
from budget.llava import LlavaRunner
from budget.m3 import M3Model
from budget.matryoshka import load_matryoshka
from budget.mqt import MqtLlavaConfig
from budget.mqt_model import MqtModel
from budget.random_weights import random_model


def random_runner(
    sizes: ModelSizes, *, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> LlavaRunner:
    """Build a model that reads pictures and questions, with the shipped M3's small tokenizer.

    Args:
        sizes: what ``budget.config_files.read_sizes`` read; its vocabulary must be at least the
            shipped model's.
        device: where the weights are made.
        dtype: their type.

    Raises:
        ValueError: if the vocabulary is too small.
    """
    tokenizer = load_matryoshka("m3", "a model of random weights").tokenizer
    if sizes.shape.vocabulary < len(tokenizer):
        raise ValueError(
            f"{sizes.name} has a vocabulary of {sizes.shape.vocabulary}; random weights are asked "
            f"with one of {len(tokenizer)}"
        )
    model = random_model(sizes.config, device=device, dtype=dtype)
    side = sizes.config.vision_config.image_size
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    kind = MqtModel if isinstance(model.config, MqtLlavaConfig) else M3Model
    return kind(model, tokenizer, processor, ladder=sizes.ladder, name=sizes.name)
