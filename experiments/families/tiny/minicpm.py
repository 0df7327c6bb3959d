"""Tiny random models of MiniCPM-V; a slice of 64 x 64 pixels is four tokens, or sixteen."""

from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.minicpmv4_6.image_processing_pil_minicpmv4_6 import (
    MiniCPMV4_6ImageProcessorPil,
)

from budget.families.processors import image_only
from experiments.families.tiny.parts import Squares, save, tokenizer
from experiments.families.tiny.qwen import hybrid_text
from experiments.families.tiny.tiles import vision

_MARKS = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "image_start_token": "<image>",
    "image_end_token": "</image>",
    "slice_start_token": "<slice>",
    "slice_end_token": "</slice>",
    "image_id_start_token": "<image_id>",
    "image_id_end_token": "</image_id>",
}
_TINY = Squares(side=64, patch=8, tokens=4)


def _build(kind: str, folder: Path, squares: Squares, **more: Any) -> Path:
    tokens = tokenizer(list(_MARKS.values()), "<|image_pad|>\n", extra_special_tokens=_MARKS)
    torch.manual_seed(0)
    ids = {name: tokens.convert_tokens_to_ids(mark) for name, mark in _MARKS.items()}
    config = getattr(hf, f"{kind}Config")(
        text_config={"model_type": "qwen3_5_text", **hybrid_text(tokens)},
        vision_config=vision(squares),
        insert_layer_id=0,
        image_token_id=ids["image_token"],
        video_token_id=ids["video_token"],
        **{name: ids[mark] for name, mark in more.items()},
    )
    images = MiniCPMV4_6ImageProcessorPil(scale_resolution=squares.side, patch_size=squares.patch)
    processor = image_only(getattr(hf, f"{kind}Processor"))(
        images, tokens, chat_template=tokens.chat_template
    )
    if more:
        config.newline_id = tokens.convert_tokens_to_ids("\n")
    return save(getattr(hf, f"{kind}ForConditionalGeneration")(config), processor, folder)


def minicpmv4_6(folder: Path, squares: Squares = _TINY) -> Path:
    """Write a MiniCPM-V 4.6."""
    return _build("MiniCPMV4_6", folder, squares)


def minicpmv4_7(folder: Path) -> Path:
    """Write a MiniCPM-V 4.7, whose positions follow where slices lie in the image."""
    marks = ("image_start", "image_end", "slice_start", "slice_end")
    return _build("MiniCPMV4_7", folder, _TINY, **{f"{name}_id": f"{name}_token" for name in marks})
