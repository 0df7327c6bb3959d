"""Tiny random models of the families that cut images into tiles.

Tiles are 32 x 32 pixels, in patches of 8 that are shuffled two by two: 4 tokens. The image
processors' other settings are those of the released checkpoints.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    Ovis2Config,
    Ovis2ForConditionalGeneration,
    Ovis2Processor,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
from transformers.models.ovis2.image_processing_pil_ovis2 import Ovis2ImageProcessorPil

from budget.families.processors import image_only
from experiments.families.tiny.parts import save, text_sizes, tokenizer

TILE, EACH = 32, 4
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": TILE,
    "patch_size": 8,
}


def _text_config(tokens: Any) -> dict[str, Any]:
    return {"model_type": "qwen2", **text_sizes(tokens), "tie_word_embeddings": False}


def internvl(folder: Path) -> Path:
    """Write an InternVL."""
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokens = tokenizer(list(named.values()), "<IMG_CONTEXT>\n", extra_special_tokens=named)
    torch.manual_seed(0)
    config = InternVLConfig(
        text_config=_text_config(tokens),
        vision_config={**VISION, "layer_scale_init_value": 1.0},
        image_token_id=tokens.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=EACH,
        tie_word_embeddings=False,
    )
    images = GotOcr2ImageProcessorPil(size={"height": TILE, "width": TILE}, max_patches=12)
    processor = image_only(InternVLProcessor)(
        images, tokens, image_seq_length=EACH, chat_template=tokens.chat_template
    )
    return save(InternVLForConditionalGeneration(config), processor, folder)


def ovis2(folder: Path) -> Path:
    """Write an Ovis2."""
    indicators = ["<IMG_START>", "<IMG_GRID>", "<IMG_COL>", "<IMG_ROW>", "<IMG_END>"]
    tokens = tokenizer(["<image>", "<IMG_ATOM>", *indicators], "<image>\n")
    torch.manual_seed(0)
    config = Ovis2Config(
        text_config=_text_config(tokens),
        vision_config={**VISION, "hidden_stride": 2, "vocab_size": 64},
        image_token_id=tokens.convert_tokens_to_ids("<IMG_ATOM>"),
        visual_indicator_token_ids=tokens.convert_tokens_to_ids(indicators),
        vocab_size=len(tokens),
        hidden_size=32,
        tie_word_embeddings=False,
    )
    images = Ovis2ImageProcessorPil(size={"height": TILE, "width": TILE}, max_patches=9)
    processor = Ovis2Processor(
        images, tokens, image_seq_length=EACH, chat_template=tokens.chat_template
    )
    return save(Ovis2ForConditionalGeneration(config), processor, folder)
