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
from experiments.families.tiny.parts import Squares, save, text_sizes, tokenizer

SIDE, PATCH = 32, 8
GRID = SIDE // PATCH
_TINY = Squares(SIDE, PATCH, GRID**2)
NEXT = [[1, 2], [2, 1], [2, 2], [3, 1], [1, 3]]
ONEVISION = [[rows, columns] for rows in range(1, 7) for columns in range(1, 7)]


def _vision(squares: Squares) -> dict[str, Any]:
    return {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": squares.side,
        "patch_size": squares.patch,
    }


def pixels(tiles: Sequence[Sequence[float]], side: int = SIDE) -> list[list[int]]:
    """Return pinpoints of tiles of a side."""
    return [[round(rows * side), round(columns * side)] for rows, columns in tiles]


def text(tokens: Any) -> dict[str, Any]:
    """Return the sizes of the language model."""
    return {"model_type": "llama", **text_sizes(tokens)}


def llava_next(
    folder: Path, tiles: Sequence[Sequence[float]] = NEXT, squares: Squares = _TINY
) -> Path:
    """Return a LLaVA-NeXT; tiles are those of the checkpoints' pinpoints, rows by columns."""
    tokens = tokenizer(["<image>"], "<image>")
    torch.manual_seed(0)
    config = hf.LlavaNextConfig(
        text_config=text(tokens),
        vision_config={"model_type": "clip_vision_model", **_vision(squares)},
        image_grid_pinpoints=pixels(tiles, squares.side),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=squares.tokens,
    )
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": squares.side},
        crop_size={"height": squares.side, "width": squares.side},
        image_grid_pinpoints=pixels(tiles, squares.side),
    )
    processor = hf.LlavaNextProcessor(
        images,
        tokens,
        patch_size=squares.patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokens.chat_template,
    )
    return save(hf.LlavaNextForConditionalGeneration(config), processor, folder)


def llava_onevision(folder: Path, squares: Squares = _TINY) -> Path:
    """Return a LLaVA-OneVision with all pinpoints of the checkpoints."""
    tokens = tokenizer(["<image>", "<video>"], "<image>")
    torch.manual_seed(0)
    config = hf.LlavaOnevisionConfig(
        text_config=text(tokens),
        vision_config={
            "model_type": "siglip_vision_model",
            **_vision(squares),
            "vision_use_head": False,
        },
        image_grid_pinpoints=pixels(ONEVISION, squares.side),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        video_token_index=tokens.convert_tokens_to_ids("<video>"),
    )
    images = LlavaOnevisionImageProcessorPil(
        size={"height": squares.side, "width": squares.side},
        image_grid_pinpoints=pixels(ONEVISION, squares.side),
    )
    processor = image_only(hf.LlavaOnevisionProcessor)(
        images,
        tokens,
        num_image_tokens=squares.tokens,
        vision_feature_select_strategy="full",
        chat_template=tokens.chat_template,
    )
    return save(hf.LlavaOnevisionForConditionalGeneration(config), processor, folder)


def llava(folder: Path, tower: str = "clip", squares: Squares = _TINY, **more: Any) -> Path:
    """Return a stock LLaVA-1.5, or one with another tower.

    Args:
        folder: to write to.
        tower: "clip", which has a class token, or "siglip", which has none.
        squares: sizes of the image.
        more: of the configuration.
    """
    tokens = tokenizer(["<image>"], "<image>")
    torch.manual_seed(0)
    strategy = "default" if tower == "clip" else "full"
    config = hf.LlavaConfig(
        text_config=text(tokens),
        vision_config={"model_type": f"{tower}_vision_model", **_vision(squares)},
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        image_seq_length=squares.tokens,
        **{"vision_feature_select_strategy": strategy, **more},
    )
    size = {"height": squares.side, "width": squares.side}
    images = (
        CLIPImageProcessorPil(size={"shortest_edge": squares.side}, crop_size=size)
        if tower == "clip"
        else SiglipImageProcessorPil(size=size)
    )
    processor = hf.LlavaProcessor(
        images,
        tokens,
        patch_size=squares.patch,
        vision_feature_select_strategy=config.vision_feature_select_strategy,
        num_additional_image_tokens=int(tower == "clip"),
        chat_template=tokens.chat_template,
    )
    return save(hf.LlavaForConditionalGeneration(config), processor, folder)
