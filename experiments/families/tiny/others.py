"""Tiny random models of no family here, which see images of any size: what shrinking serves."""

from pathlib import Path

import torch
from transformers import (
    LightOnOcrConfig,
    LightOnOcrForConditionalGeneration,
    LightOnOcrProcessor,
    PaddleOCRVLConfig,
    PaddleOCRVLForConditionalGeneration,
    PaddleOCRVLProcessor,
)
from transformers.models.paddleocr_vl.image_processing_pil_paddleocr_vl import (
    PaddleOCRVLImageProcessorPil,
)
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

from experiments.families.tiny.parts import save, text_sizes, tokenizer

_TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}


def paddleocr_vl(folder: Path) -> Path:
    """Save a PaddleOCR-VL whose images cost up to 256 tokens."""
    marks = ["<|IMAGE_START|>", "<|IMAGE_END|>", "<|IMAGE_PLACEHOLDER|>", "<|video_pad|>"]
    named = {"image_token": marks[2]}
    tokens = tokenizer(marks, f"{marks[0]}{marks[2]}{marks[1]}", extra_special_tokens=named)
    torch.manual_seed(0)
    start, end, image, video = tokens.convert_tokens_to_ids(marks)
    sections = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]}
    config = PaddleOCRVLConfig(
        text_config=text_sizes(tokens, head_dim=8, rope_parameters=sections),
        vision_config={**_TOWER, "num_attention_heads": 2, "image_size": 56},
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=False,
    )
    images = PaddleOCRVLImageProcessorPil(
        size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 256}
    )
    processor = PaddleOCRVLProcessor(images, tokens, chat_template=tokens.chat_template)
    return save(PaddleOCRVLForConditionalGeneration(config), processor, folder)


def lighton_ocr(folder: Path) -> Path:
    """Save a LightOnOCR whose images cost up to 256 tokens."""
    marks = ["<|image_pad|>", "<|vision_pad|>", "<|vision_end|>"]
    named = dict(zip(("image_token", "image_break_token", "image_end_token"), marks, strict=True))
    tokens = tokenizer(marks, marks[0], extra_special_tokens=named)
    torch.manual_seed(0)
    config = LightOnOcrConfig(
        text_config={"model_type": "qwen3", "head_dim": 8, **text_sizes(tokens)},
        vision_config={
            "model_type": "pixtral",
            **_TOWER,
            "num_attention_heads": 2,
            "head_dim": 8,
            "patch_size": 14,
            "image_size": 448,
        },
        image_token_id=tokens.convert_tokens_to_ids(marks[0]),
        tie_word_embeddings=False,
    )
    images = PixtralImageProcessorPil(
        size={"longest_edge": 448}, patch_size={"height": 28, "width": 28}
    )
    processor = LightOnOcrProcessor(
        images, tokens, patch_size=14, spatial_merge_size=2, chat_template=tokens.chat_template
    )
    return save(LightOnOcrForConditionalGeneration(config), processor, folder)
