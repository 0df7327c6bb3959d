"""Tiny random models of the Qwen-VL families."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLProcessor,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

SPECIAL = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
MARK = "<|vision_start|><|image_pad|><|vision_end|>"


def ids(tokens: Any) -> dict[str, int]:
    start, end, image, video = tokens.convert_tokens_to_ids(SPECIAL)
    return {
        "vision_start_token_id": start,
        "vision_end_token_id": end,
        "image_token_id": image,
        "video_token_id": video,
    }


def qwen2_vl(folder: Path) -> Path:
    tokens = tokenizer(SPECIAL, MARK)
    torch.manual_seed(0)
    config = Qwen2VLConfig(
        text_config=text_sizes(
            tokens,
            rope_parameters={"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
        ),
        vision_config={
            "depth": 2,
            "embed_dim": 16,
            "hidden_size": 32,
            "num_heads": 2,
            "mlp_ratio": 2,
        },
        **ids(tokens),
    )
    images = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280}
    )
    processor = image_only(Qwen2VLProcessor)(images, tokens, chat_template=tokens.chat_template)
    return save(Qwen2VLForConditionalGeneration(config), processor, folder)
