"""Tiny random models of Aya Vision and Command A Vision; a tile is four tokens."""

from math import isqrt
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from experiments.families.tiny.parts import TINY, Squares, save, text_sizes, tokenizer
from experiments.families.tiny.tiles import vision

_AYA = ["<image>", "<|START_OF_IMG|>", "<|END_OF_IMG|>", "<|IMG_PATCH|>", "<|IMG_LINE_BREAK|>"]
_COMMAND = {
    "image_token": "<|IMG_PATCH|>",
    "boi_token": "<|START_OF_IMG|>",
    "eoi_token": "<|END_OF_IMG|>",
    "img_line_break_token": "<|IMG_LINE_BREAK|>",
}


def _parts(tokens: Any, squares: Squares) -> dict[str, Any]:
    return {
        "text_config": {
            "model_type": "cohere2",
            **text_sizes(tokens),
            "head_dim": 8,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        "vision_config": {
            "model_type": "siglip_vision_model",
            "vision_use_head": False,
            **vision(squares),
        },
    }


def aya_vision(folder: Path, squares: Squares = TINY) -> Path:
    """Write an Aya Vision."""
    tiles = ["TILE_GLOBAL", *(f"TILE_{place}" for place in range(1, 13))]
    tokens = tokenizer([*_AYA, *tiles], "<image>\n")
    torch.manual_seed(0)
    patch = tokens.convert_tokens_to_ids("<|IMG_PATCH|>")
    config = hf.AyaVisionConfig(**_parts(tokens, squares), image_token_index=patch)
    images = GotOcr2ImageProcessorPil(
        size={"height": squares.side, "width": squares.side}, max_patches=12
    )
    processor = hf.AyaVisionProcessor(
        images,
        tokens,
        patch_size=squares.patch,
        img_size=squares.side,
        downsample_factor=squares.shuffle,
        chat_template=tokens.chat_template,
    )
    return save(hf.AyaVisionForConditionalGeneration(config), processor, folder)


def cohere2_vision(folder: Path, squares: Squares = TINY) -> Path:
    """Write a Command A Vision; its image processor needs torchvision."""
    tokens = tokenizer(list(_COMMAND.values()), "<|IMG_PATCH|>\n", extra_special_tokens=_COMMAND)
    torch.manual_seed(0)
    config = hf.Cohere2VisionConfig(
        **_parts(tokens, squares),
        image_token_id=tokens.convert_tokens_to_ids("<|IMG_PATCH|>"),
        alignment_intermediate_size=64,
    )
    images = hf.Cohere2VisionImageProcessor(
        size={"height": squares.side, "width": squares.side},
        max_patches=12,
        patch_size=isqrt(squares.tokens),
    )
    processor = hf.Cohere2VisionProcessor(images, tokens, chat_template=tokens.chat_template)
    return save(hf.Cohere2VisionForConditionalGeneration(config), processor, folder)
