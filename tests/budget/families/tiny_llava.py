"""Tiny random models of the LLaVA families."""

from pathlib import Path
from typing import Any

import torch
from families.tiny import save, text_sizes, tokenizer
from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
)
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from budget.families.processors import image_only

SIDE, PATCH = 32, 8
GRID = SIDE // PATCH
NEXT = [[1, 2], [2, 1], [2, 2], [3, 1], [1, 3]]  # tiles of the checkpoints' pinpoints
ONEVISION = [[rows, columns] for rows in range(1, 7) for columns in range(1, 7)]
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}


def pixels(tiles: list[list[int]]) -> list[list[int]]:
    """Return pinpoints of tiles of the tiny side."""
    return [[rows * SIDE, columns * SIDE] for rows, columns in tiles]


def text(tokens: Any) -> dict[str, Any]:
    """Return the sizes of the language model."""
    return {"model_type": "llama", **text_sizes(tokens)}


def llava_next(folder: Path, tiles: list[list[int]] = NEXT) -> Path:
    tokens = tokenizer(["<image>"], "<image>")
    torch.manual_seed(0)
    config = LlavaNextConfig(
        text_config=text(tokens),
        vision_config={"model_type": "clip_vision_model", **VISION},
        image_grid_pinpoints=pixels(tiles),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=GRID**2,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE},
        crop_size={"height": SIDE, "width": SIDE},
        image_grid_pinpoints=pixels(tiles),
    )
    processor = LlavaNextProcessor(
        images,
        tokens,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokens.chat_template,
    )
    return save(LlavaNextForConditionalGeneration(config), processor, folder)


def llava_onevision(folder: Path) -> Path:
    tokens = tokenizer(["<image>", "<video>"], "<image>")
    torch.manual_seed(0)
    config = LlavaOnevisionConfig(
        text_config=text(tokens),
        vision_config={"model_type": "siglip_vision_model", **VISION, "vision_use_head": False},
        image_grid_pinpoints=pixels(ONEVISION),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        video_token_index=tokens.convert_tokens_to_ids("<video>"),
    )
    images = LlavaOnevisionImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=pixels(ONEVISION)
    )
    processor = image_only(LlavaOnevisionProcessor)(
        images,
        tokens,
        num_image_tokens=GRID**2,
        vision_feature_select_strategy="full",
        chat_template=tokens.chat_template,
    )
    return save(LlavaOnevisionForConditionalGeneration(config), processor, folder)
