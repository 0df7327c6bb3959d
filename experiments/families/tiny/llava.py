"""Tiny random models of the LLaVA families."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

SIDE, PATCH = 32, 8
GRID = SIDE // PATCH
NEXT = [[1, 2], [2, 1], [2, 2], [3, 1], [1, 3]]
ONEVISION = [[rows, columns] for rows in range(1, 7) for columns in range(1, 7)]
VISION = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}


def pixels(tiles: Sequence[Sequence[float]]) -> list[list[int]]:
    """Return pinpoints of tiles of the tiny side."""
    return [[round(rows * SIDE), round(columns * SIDE)] for rows, columns in tiles]


def text(tokens: Any) -> dict[str, Any]:
    """Return the sizes of the language model."""
    return {"model_type": "llama", **text_sizes(tokens)}


def llava_next(folder: Path, tiles: Sequence[Sequence[float]] = NEXT) -> Path:
    """Return a LLaVA-NeXT; tiles are those of the checkpoints' pinpoints, rows by columns."""
    tokens = tokenizer(["<image>"], "<image>")
    torch.manual_seed(0)
    config = hf.LlavaNextConfig(
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
    processor = hf.LlavaNextProcessor(
        images,
        tokens,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokens.chat_template,
    )
    return save(hf.LlavaNextForConditionalGeneration(config), processor, folder)


def llava_onevision(folder: Path) -> Path:
    """Return a LLaVA-OneVision with all pinpoints of the checkpoints."""
    tokens = tokenizer(["<image>", "<video>"], "<image>")
    torch.manual_seed(0)
    config = hf.LlavaOnevisionConfig(
        text_config=text(tokens),
        vision_config={"model_type": "siglip_vision_model", **VISION, "vision_use_head": False},
        image_grid_pinpoints=pixels(ONEVISION),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        video_token_index=tokens.convert_tokens_to_ids("<video>"),
    )
    images = LlavaOnevisionImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_grid_pinpoints=pixels(ONEVISION)
    )
    processor = image_only(hf.LlavaOnevisionProcessor)(
        images,
        tokens,
        num_image_tokens=GRID**2,
        vision_feature_select_strategy="full",
        chat_template=tokens.chat_template,
    )
    return save(hf.LlavaOnevisionForConditionalGeneration(config), processor, folder)


def llava(folder: Path, tower: str = "clip", **more: Any) -> Path:
    """Return a stock LLaVA-1.5, or one with another tower.

    Args:
        folder: to write to.
        tower: "clip", which has a class token, or "siglip", which has none.
        more: of the configuration.
    """
    tokens = tokenizer(["<image>"], "<image>")
    torch.manual_seed(0)
    strategy = "default" if tower == "clip" else "full"
    config = hf.LlavaConfig(
        text_config=text(tokens),
        vision_config={"model_type": f"{tower}_vision_model", **VISION},
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=GRID**2,
        **{"vision_feature_select_strategy": strategy, **more},
    )
    size = {"height": SIDE, "width": SIDE}
    images = (
        CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=size)
        if tower == "clip"
        else SiglipImageProcessorPil(size=size)
    )
    processor = hf.LlavaProcessor(
        images,
        tokens,
        patch_size=PATCH,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=int(tower == "clip"),
        chat_template=tokens.chat_template,
    )
    return save(hf.LlavaForConditionalGeneration(config), processor, folder)
